"""Taggers of independent labels side by side: each label against all jets that do not carry it.

Where jets carry no label that stands for one of the tagger's, the teacher's own decisions are taken for the truth.

Shapes: B jets, L labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from zskt.jets.collections import ReconstructedJets
from zskt.jets.jets import Jets
from zskt.jets.metrics import Array, Flags, TaggingComparison, kinematics_of
from zskt.metrics import is_positive, label_logits


@dataclass(frozen=True)
class LabelComparison(TaggingComparison):
    """Probabilities of L independent labels, (B, L), by teacher and student; the truth is (B, L), too, 1 for yes."""

    @property
    def background_names(self) -> list[str]:
        """Name what each label is told from."""
        return ["all jets without the label"]

    @property
    def signals(self) -> tuple[int, ...]:
        """Positions of all labels: none is background."""
        return tuple(range(len(self.classes)))

    def is_signal(self, k: int) -> Flags:
        """Return which jets carry a label, (B,)."""
        flags: Flags = self.truth[:, k] > 0
        return flags

    def is_background(self, k: int) -> Flags:
        """Return which jets do not carry a label, (B,)."""
        flags: Flags = self.truth[:, k] == 0
        return flags

    def score(self, p: Array, k: int) -> Array:
        """Return the probabilities of a label, (B,)."""
        return p[:, k]

    def chosen(self, p: Array, k: int) -> Flags:
        """Return which jets a network gives a label to, (B,)."""
        flags: Flags = p[:, k] > 0.5
        return flags

    def choices(self, p: Array) -> tuple[Array, Array]:
        """Return the probabilities of yes and no of every label of every jet, (B L, 2), and which is true, (B L,)."""
        is_no: Any = (self.truth == 0).astype(np.int64).reshape(-1)
        return np.stack([p, 1 - p], 2).reshape(-1, 2), is_no

    def agreement(self) -> Array:
        """Return the share of labels on which both networks decide alike, (B,)."""
        same: Array = ((self.teacher > 0.5) == (self.student > 0.5)).mean(1)
        return same

    def right(self, p: Array) -> Array:
        """Return the share of labels on which a network decides rightly, (B,)."""
        right: Array = ((p > 0.5) == (self.truth > 0)).mean(1)
        return right


def compare_labels(
    classes: Sequence[str], samples: Jets | ReconstructedJets, labels: Tensor, teacher: Tensor, student: Tensor
) -> LabelComparison:
    """Compare teacher and student on jets with labels (B,), or with the teacher's decisions in their place.

    Args:
        classes: names of the L labels.
        samples: the jets.
        labels: (B,), position of the one label that a jet carries; L for none, negative where it is not known.
        teacher, student: logits of both, (B, L, 2).
    """
    rows = labels >= 0
    of_teacher = not bool(rows.any())
    rows = rows | of_teacher
    p, q = (label_logits(logits).double().sigmoid()[rows].numpy() for logits in (teacher, student))
    truth = p > 0.5 if of_teacher else is_positive(labels, len(classes))[rows].numpy()
    kinematics = {name: value[rows].double().numpy() for name, value in kinematics_of(samples).items()}
    return LabelComparison(tuple(classes), truth.astype(float), of_teacher, p, q, kinematics)
