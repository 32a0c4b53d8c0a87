"""What physicists ask of a tagger, for teacher and student side by side: rejection, calibration, sculpting, slices.

Where jets carry no label that stands for a class of the teacher, the teacher's own top class is taken for the truth:
its figures are then trivial, the student's say how well it stands in for it.

Shapes: B jets, K classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, roc_auc_score
from torch import Tensor

from zskt.jets.collections import ReconstructedJets
from zskt.jets.jets import Jets
from zskt.metrics import ece

EFFICIENCIES = (0.3, 0.5, 0.8)
LEPTONIC_EFFICIENCIES = (0.99, 0.995)
LEPTONIC = re.compile(r"qql$|bl$|[em]v$|tau", re.IGNORECASE)
BACKGROUND = (re.compile(r"qcd", re.IGNORECASE), re.compile(r"^(label_|prob)?(uds?|light|g|undef|pu)$", re.IGNORECASE))
SLICES = 4
"""Bins of equal population, of each quantity that figures are sliced in."""
MASS_BINS = np.linspace(0, 250, 26)  # GeV
LEAST = 10
"""Jets of signal and of background without which a figure would be noise."""
CUT = 0.5
"""Signal efficiency of the cut behind which the background's mass is looked at."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TaggingComparison:
    """Jets, their truth, and what both networks say of them."""

    classes: tuple[str, ...]
    truth: Array
    """(B,), positions in the classes; of jets with a truth alone."""
    of_teacher: bool
    """Whether the truth is the teacher's top class, for want of labels."""
    teacher: Array
    """(B, K), probabilities."""
    student: Array
    facts: Mapping[str, Array]
    """(B,) each: "pt", "abs_eta", "multiplicity", "mass"."""

    @property
    def background(self) -> tuple[int, ...]:
        """The classes that others are told from: QCD, else light jets, else the most frequent one."""
        for pattern in BACKGROUND:
            found = tuple(k for k, name in enumerate(self.classes) if pattern.search(name))
            if found and np.isin(self.truth, found).any():
                return found
        return (int(np.bincount(self.truth.astype(int), minlength=len(self.classes)).argmax()),)


def facts_of(samples: Jets | ReconstructedJets) -> dict[str, Tensor]:
    """Momentum (GeV), |pseudorapidity|, number of particles and mass (GeV) of jets, (B,) each."""
    if isinstance(samples, ReconstructedJets):
        jet = {name: samples.jet[name].squeeze(1) for name in ("pt", "eta", "mass")}
        return {"pt": jet["pt"], "abs_eta": jet["eta"].abs(), "multiplicity": samples.particles.mask.sum(1).float(),
                "mass": jet["mass"]}  # fmt: skip
    pz = (samples.pz * samples.mask).sum(1)
    pt = samples.jet_pt.squeeze(1)
    return {"pt": pt, "abs_eta": torch.asinh(pz / pt).abs(), "multiplicity": samples.mask.sum(1).float(),
            "mass": samples.mass}  # fmt: skip


def judged(
    classes: Sequence[str], samples: Jets | ReconstructedJets, labels: Tensor, teacher: Tensor, student: Tensor
) -> TaggingComparison:
    """Teacher's and student's logits (B, K) as probabilities, beside labels or what takes their place."""
    known = labels >= 0
    of_teacher = not bool(known.any())
    truth = teacher.argmax(1) if of_teacher else labels
    rows = torch.ones_like(known) if of_teacher else known
    p, q = (logits.double().softmax(1)[rows].numpy() for logits in (teacher, student))
    facts = {name: value[rows].double().numpy() for name, value in facts_of(samples).items()}
    return TaggingComparison(tuple(classes), truth[rows].numpy(), of_teacher, p, q, facts)


def discriminant(p: Array, signal: int, background: Sequence[int]) -> Array:
    """p_S / (p_S + p_B) of probabilities (B, K): (B,)."""
    s, b = p[:, signal], p[:, list(background)].sum(1)
    found: Array = s / np.maximum(s + b, 1e-30)
    return found


def rejection(signal: Array, background: Array, efficiency: float) -> tuple[float, float | None]:
    """1 / eps_B at a signal efficiency, and its binomial standard error; a lower limit, error None, if nothing passes.

    Args:
        signal, background: scores, (N_S,) and (N_B,).
    """
    threshold = np.quantile(signal, 1 - efficiency)
    passed, total = int((background >= threshold).sum()), len(background)
    if not passed:
        return float(total), None
    eps = passed / total
    return 1 / eps, float(np.sqrt(eps * (1 - eps) / total) / eps**2)


def _class_figures(j: TaggingComparison, k: int) -> dict[str, Any] | None:
    """Of one signal class against the background; None where there are too few jets of one of them."""
    is_signal, is_background = j.truth == k, np.isin(j.truth, j.background)
    if is_signal.sum() < LEAST or is_background.sum() < LEAST:
        return None
    wanted = (*EFFICIENCIES, *(LEPTONIC_EFFICIENCIES if LEPTONIC.search(j.classes[k]) else ()))
    found: dict[str, Any] = {"jets": int(is_signal.sum()), "auc": {}, "rejection": {}, "sculpting": {}}
    for role, p in (("teacher", j.teacher), ("student", j.student)):
        score = discriminant(p, k, j.background)
        signal, background = score[is_signal], score[is_background]
        labels = np.r_[np.ones(len(signal)), np.zeros(len(background))]
        found["auc"][role] = float(roc_auc_score(labels, np.r_[signal, background]))
        found["rejection"][role] = {str(e): rejection(signal, background, e) for e in wanted}
        mass = j.facts["mass"][is_background]
        found["sculpting"][role] = sculpting(mass, mass[background >= np.quantile(signal, 1 - CUT)])
    return found


def sculpting(before: Array, after: Array) -> float | None:
    """Jensen-Shannon divergence, bits, of the background's mass before and after a cut; None if little is left."""
    if len(after) < LEAST:
        return None
    p, q = (np.histogram(m, MASS_BINS)[0] + 1e-9 for m in (before, after))
    return float(jensenshannon(p, q, base=2) ** 2)


def _slices(j: TaggingComparison) -> dict[str, list[dict[str, float]]]:
    """Agreement and accuracies in bins of equal population."""
    same = j.teacher.argmax(1) == j.student.argmax(1)
    right = {role: p.argmax(1) == j.truth for role, p in (("teacher", j.teacher), ("student", j.student))}
    found: dict[str, list[dict[str, float]]] = {}
    for name in ("pt", "abs_eta", "multiplicity"):
        value = j.facts[name]
        edges = np.quantile(value, np.linspace(0, 1, SLICES + 1))
        rows = []
        for i, (low, high) in enumerate(pairwise(edges)):
            inside = (value >= low) & ((value < high) if i < SLICES - 1 else (value <= high))
            if inside.any():
                row = {"low": float(low), "high": float(high), "jets": int(inside.sum())}
                row |= {"agreement": float(same[inside].mean())}
                rows.append(row | {role: float(r[inside].mean()) for role, r in right.items()})
        found[name] = rows
    return found


def calibration(p: Array, truth: Array) -> dict[str, Any]:
    """Expected calibration error, and how often the top class is right where it is so sure."""
    right, sure = (p.argmax(1) == truth).astype(int), p.max(1)
    bins = min(10, max(2, len(truth) // 50))
    accuracy, confidence = calibration_curve(right, sure, n_bins=bins, strategy="quantile")
    error = ece(torch.from_numpy(np.log(np.maximum(p, 1e-30))), torch.from_numpy(truth))
    return {"ece": error, "confidence": confidence.tolist(), "accuracy": accuracy.tolist()}


def physics(j: TaggingComparison) -> dict[str, Any]:
    """All figures, as they are written beside a run's result."""
    labels = list(range(len(j.classes)))
    signals = {name: _class_figures(j, k) for k, name in enumerate(j.classes) if k not in j.background}
    roles = (("teacher", j.teacher), ("student", j.student))
    return {
        "truth": "the teacher's top class" if j.of_teacher else "labels",
        "jets": len(j.truth),
        "background": [j.classes[k] for k in j.background],
        "signals": {name: found for name, found in signals.items() if found is not None},
        "accuracy": {role: float((p.argmax(1) == j.truth).mean()) for role, p in roles},
        "confusion": {role: confusion_matrix(j.truth, p.argmax(1), labels=labels).tolist() for role, p in roles},
        "calibration": {role: calibration(p, j.truth) for role, p in roles},
        "slices": _slices(j),
    }
