"""Samples with labels, of any domain.

Shapes: B samples.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from teachers.inputs import Samples

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
