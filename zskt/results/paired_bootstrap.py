"""Differences between students on the same test samples, with intervals of a paired bootstrap.

Shapes: B samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import bootstrap
from torch import Tensor

from zskt.losses import divergence
from zskt.metrics import as_choices

Array = NDArray[np.float64]

LEVEL, RESAMPLES, BATCH = 0.95, 2000, 50
"""Confidence; resamples, and how many are held at once."""


@dataclass(frozen=True)
class Difference:
    """A mean difference over samples, and its interval."""

    value: float
    low: float
    high: float

    @property
    def is_beyond_zero(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def paired_difference(first: Array, second: Array) -> Difference:
    """Compute the mean of first minus second, (B,) each of the same samples, and its percentile interval.

    B. Efron and R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13; resampling is seeded.
    """
    differences = np.asarray(first, float) - np.asarray(second, float)
    mean = float(differences.mean())
    if len(differences) < 2 or np.ptp(differences) == 0:
        return Difference(mean, mean, mean)
    found = bootstrap(
        (differences,), np.mean, n_resamples=RESAMPLES, batch=BATCH, confidence_level=LEVEL, method="percentile",
        random_state=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    return Difference(mean, float(found.low), float(found.high))


@torch.no_grad()
def per_sample(teacher: Tensor, students: Sequence[Tensor], labels: Tensor) -> dict[str, Array]:
    """Return the figures of single samples, means over seeds: "agreement" (B,), "accuracy" of labelled ones, "kl" (B,).

    Args:
        teacher: logits (B, K), or (B, L, 2) of independent labels.
        students: the same, of each seed.
        labels: (B,), negative for samples without one; accuracy is left out where all are.
    """
    figures: dict[str, list[Array]] = {}
    rows = labels >= 0
    for student in students:
        same = (student.argmax(-1) == teacher.argmax(-1)).double()
        figures.setdefault("agreement", []).append(same.flatten(1).mean(1).numpy() if same.dim() > 1 else same.numpy())
        if bool(rows.any()):
            logits, truth = as_choices(student[rows], labels[rows])
            right = (logits.argmax(1) == truth).double().view(int(rows.sum()), -1).mean(1)
            figures.setdefault("accuracy", []).append(right.numpy())
        figures.setdefault("kl", []).append(divergence(teacher.double(), student.double()).numpy())
    return {name: np.mean(several, axis=0) for name, several in figures.items()}
