"""Random inputs for taggers from files.

Shapes: B jets, C variables, P entries.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from zskt.jets.preprocess import UNBOUNDED, InputGroup

ENERGY_NAME = re.compile(r"(^|_)(e|energy)$", re.IGNORECASE)
MOMENTUM_NAMES = re.compile(r"(px|py|pz)([_.]|$)", re.IGNORECASE)
N_TRIAL_JETS = 64
"""Random jets on which a network that takes another's place is compared with it."""


def _energies(group: InputGroup) -> list[int]:
    """Return the positions of energies: called so, or beside three components of a momentum."""
    others = [i for i, name in enumerate(group.names) if not MOMENTUM_NAMES.search(name)]
    if len(group.names) == 4 and len(others) == 1:
        return others
    return [i for i, name in enumerate(group.names) if ENERGY_NAME.search(name)]


def random_inputs(groups: Sequence[InputGroup], jets: int, seed: int = 0) -> tuple[Tensor, ...]:
    """Draw normal numbers in the bounds of each variable, (B, C, P) for each input.

    Entries of one collection are masked alike.
    """
    rng = torch.Generator().manual_seed(seed)
    lengths: dict[str, Tensor] = {}
    for group in groups:
        length = torch.randint(group.min_length, group.max_length + 1, (jets, 1), generator=rng)
        lengths.setdefault(group.collection, length)
    inputs = []
    for group in groups:
        real = torch.arange(group.max_length) < lengths[group.collection].clamp(max=group.max_length)
        x = torch.randn(jets, len(group.variables), group.max_length, generator=rng)
        for i in _energies(group):
            if group.variables[i].upper_bound >= UNBOUNDED:
                x[:, i] = x[:, i].abs() + 10  # more than any momentum drawn: networks take logarithms of masses
        bounds = torch.tensor([[max(v.lower_bound, -1e6), min(v.upper_bound, 1e6)] for v in group.variables])
        x = torch.ones_like(x) if group.is_mask else x.clamp(bounds[:, :1], bounds[:, 1:])
        x = x * (~real if group.is_one_for_padding else real).unsqueeze(1)
        inputs.append(x[:, :, 0] if group.flat else x)
    return tuple(inputs)
