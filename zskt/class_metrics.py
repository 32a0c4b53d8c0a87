"""Figures of merit class by class, and reliability curves, of classifiers of every domain.

Shapes: B samples, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from zskt.metrics import ece
from zskt.plots.intervals import clopper_pearson

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

BIN_SAMPLES, MAX_BINS = 50, 10
"""Samples of a bin of a reliability curve, at least where there are as many; most bins."""


def reliability(p: Array, truth: NDArray[Any]) -> dict[str, Any]:
    """Compute the expected calibration error, and the reliability curve: accuracy in bins of equal population.

    Args:
        p: probabilities, (B, K).
        truth: true classes, (B,).

    Returns:
        "ece", and lists "confidence", "accuracy", "low", "high" (ends of the Clopper-Pearson interval), a value a bin.
    """
    order = p.max(1).argsort(kind="stable")
    right, top = (p.argmax(1) == truth)[order], p.max(1)[order]
    bins = [rows for rows in np.array_split(np.arange(len(top)), _bin_count(len(top))) if len(rows)]
    passed, total = [int(right[rows].sum()) for rows in bins], [len(rows) for rows in bins]
    low, high = clopper_pearson(passed, total)
    return {
        "ece": ece(torch.from_numpy(np.log(np.maximum(p, 1e-30))), torch.from_numpy(np.asarray(truth)).long()),
        "confidence": [float(top[rows].mean()) for rows in bins],
        "accuracy": [k / n for k, n in zip(passed, total, strict=True)],
        "low": low.tolist(),
        "high": high.tolist(),
    }


def _bin_count(samples: int) -> int:
    return min(MAX_BINS, max(2, samples // BIN_SAMPLES))


def one_against_rest(score: Array, is_positive: Flags) -> float | None:
    """Compute the area under the ROC curve of a class against all others; None where one side is empty."""
    if is_positive.all() or not is_positive.any():
        return None
    return float(roc_auc_score(is_positive, score))


def class_row(is_positive: Flags, scores: Mapping[str, Array], chosen: Mapping[str, Flags]) -> dict[str, Any]:
    """Compute the figures of one class: its samples, and of each network AUC and accuracy.

    Args:
        is_positive: samples of the class, (B,).
        scores: network -> score of the class, (B,).
        chosen: network -> whether it chooses the class, (B,).

    Returns:
        "count"; "auc" against the rest, "accuracy": share of the class's samples that the network chooses it for, and
        "interval" of that: network -> value.
    """
    count = int(is_positive.sum())
    passed = {role: int(flags[is_positive].sum()) for role, flags in chosen.items()}
    ends = {role: clopper_pearson(k, count) for role, k in passed.items()}
    return {
        "count": count,
        "auc": {role: one_against_rest(score, is_positive) for role, score in scores.items()},
        "accuracy": {role: k / count if count else None for role, k in passed.items()},
        "interval": {role: [float(low), float(high)] for role, (low, high) in ends.items()},
    }


def class_figures(
    classes: Sequence[str], truth: NDArray[Any], networks: Mapping[str, Array]
) -> dict[str, dict[str, Any]]:
    """Compute `class_row` of each class.

    Args:
        classes: K names.
        truth: true classes (B,).
        networks: network -> probabilities (B, K).
    """
    top = {role: p.argmax(1) for role, p in networks.items()}
    return {
        name: class_row(
            truth == k,
            {role: p[:, k] for role, p in networks.items()},
            {role: chosen == k for role, chosen in top.items()},
        )
        for k, name in enumerate(classes)
    }
