"""Samples with labels, of any domain.

Shapes: B samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from zskt.contracts import Samples
from zskt.errors import UserError

UNLABELLED = -1


@dataclass(frozen=True)
class Labelled:
    """Samples and their true classes."""

    samples: Samples
    """What an input specification takes: `Jets`, or pixels (B, C, H, W) of uint8."""
    labels: Tensor
    """(B,) of int64: positions in the classes; `UNLABELLED` where the file does not say."""

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Tensor | slice) -> Labelled:
        return Labelled(self.samples[rows], self.labels[rows])


def of_each_class(data: Labelled, classes: Sequence[str], count: int, seed: int) -> Labelled:
    """``count`` random samples of every class; a larger count with the same seed adds to them.

    Raises:
        UserError: if a class has fewer.
    """
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))
    chosen = []
    for k, name in enumerate(classes):
        rows = order[data.labels[order] == k]
        if len(rows) < count:
            raise UserError(f"--samples-per-class {count}: class {name} has {len(rows)} samples; take at most as many")
        chosen.append(rows[:count])
    return data[torch.cat(chosen)]


def short(name: str) -> str:
    """A class's name without what taggers put in front of all of them."""
    return name.removeprefix("label_").removeprefix("prob")


def plain_positions(classes: Sequence[str]) -> dict[str, int]:
    """Short name in lower case -> position of the first class that is called so."""
    found: dict[str, int] = {}
    for position, name in enumerate(classes):
        found.setdefault(short(name.lower()), position)
    return found
