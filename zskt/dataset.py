"""Samples with labels, of any domain.

Shapes: B samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from zskt.contracts import Batch, Samples
from zskt.errors import UserError, listed
from zskt.terminal import note

UNLABELLED = -1
MAX_NAMES = 10
"""Names of classes in a message."""


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


@dataclass(frozen=True)
class TensorSamples:
    """Samples as the tensors that networks are called with, (B, ...) each."""

    x: Batch

    def __len__(self) -> int:
        return len(self.x[0])

    def __getitem__(self, rows: Tensor | slice) -> TensorSamples:
        return TensorSamples(tuple(t[rows] for t in self.x))


@dataclass(frozen=True)
class TensorInputs:
    """The input specification of networks that take samples as they are."""

    domain: str = "tensors"

    def __call__(self, samples: TensorSamples) -> Batch:
        return samples.x


def only_labelled(data: Labelled, classes: Sequence[str], where: str) -> Labelled:
    """Return the samples that carry a class of a network's, to learn from; lines on standard error tell what lacks.

    Args:
        classes: names of the network's classes.
        where: the file, for messages.

    Raises:
        UserError: if no sample carries one.
    """
    rows = data.labels >= 0
    count = int(rows.sum())
    if not count:
        raise UserError(
            f"{where}: samples without labels, or of none of the classes {listed(classes, MAX_NAMES)}; give a "
            "file with some that have one"
        )
    if count < len(data):
        note(
            f"zskt: {where}: {count} of {len(data)} samples carry one of the {len(classes)} classes; the other "
            f"{len(data) - count} are left out"
        )
        data = data[rows]
    present = set(data.labels.tolist())
    absent = [name for k, name in enumerate(classes) if k not in present]
    if absent:
        lacking = f"labels teach nothing of {len(absent)} of the classes"
        note(f"zskt: {where}: no sample of {listed(absent, MAX_NAMES)}: {lacking}")
    return data


def drawn_rows(size: int, count: int) -> Tensor:
    """Draw at most ``count`` of ``size`` samples, the same ones each time: files may be sorted by class.

    Returns:
        (min(size, count),) of int64, their positions, in order; all of them where there are no more.
    """
    return torch.randperm(size, generator=torch.Generator().manual_seed(0))[:count].sort().values


def of_each_class(
    data: Labelled, classes: Mapping[int, str], count: int, seed: int, *, asked_by: str = "--samples-per-class"
) -> Labelled:
    """Choose ``count`` random samples of every class; a larger count with the same seed adds to them.

    Args:
        classes: label -> name.
        asked_by: what the user gave the count as, for messages.

    Raises:
        UserError: if a class has fewer.
    """
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))
    choices = []
    for k, name in classes.items():
        rows = order[data.labels[order] == k]
        if len(rows) < count:
            raise UserError(f"{asked_by} {count}: class {name} has {len(rows)} samples; take at most as many")
        choices.append(rows[:count])
    return data[torch.cat(choices)]


def short(name: str) -> str:
    """Return a class's name without the prefix that taggers give to all of them."""
    return name.removeprefix("label_").removeprefix("prob")
