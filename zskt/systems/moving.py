"""Moving digits for systems of the literature on video: as tensors, and the network that all of them take.

Shapes: N samples, T frames.
"""

from __future__ import annotations

from functools import cache

from torch import Tensor, nn

from zskt.frames.moving_digits import CLASSES, INPUTS, Split, moving_digits
from zskt.networks.students import STUDENTS

NETWORK = "frame-gru"
"""Teacher and student alike, of 20 848 parameters: their layers can be compared."""


@cache
def sequences(split: Split, count: int, seed: int, clutter: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return samples (N, T, 1, 16, 16), normalised, and their classes (N,)."""
    data = moving_digits(split, count, seed, clutter)
    assert isinstance(data.samples, Tensor)
    return INPUTS(data.samples)[0], data.labels


def network() -> nn.Module:
    """Build a recurrent network of moving digits, of any number of frames."""
    return STUDENTS[NETWORK].build(INPUTS, len(CLASSES))
