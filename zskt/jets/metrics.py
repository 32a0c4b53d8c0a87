"""Tagging performance of teacher and student side by side: rejection, calibration, mass sculpting, slices.

Where jets carry no label that stands for a class of the teacher, the teacher's own top class is taken for the truth:
its figures are then trivial, the student's say how well it stands in for it.

Shapes: B jets, K classes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import confusion_matrix, roc_auc_score
from torch import Tensor

from zskt.class_metrics import class_row, reliability
from zskt.jets.class_names import BACKGROUND_CLASSES
from zskt.jets.collections import ReconstructedJets
from zskt.jets.jets import Jets
from zskt.plots.intervals import upper_limit

EFFICIENCIES = (0.3, 0.5, 0.8)
"""Signal efficiencies at which the background rejection is stated."""
LEPTONIC_EFFICIENCIES = (0.99, 0.995)
"""The same for classes with a lepton, which are easier to tell, beside the others."""
LEPTONIC_CLASS = re.compile(r"qql$|bl$|[em]v$|tau", re.IGNORECASE)
QUANTITIES = ("pt", "abs_eta", "multiplicity")
"""Keys of the kinematics that figures are sliced in."""
N_SLICES, MOST_SLICES, SLICE_JETS = 4, 8, 1000
"""Numbers of bins of equal population, at least and at most, and jets a bin between these."""
MASS_BINS = np.linspace(0, 250, 26)  # GeV
MIN_JETS = 10
"""Smallest number of jets of signal and of background, and of background that passes, below which a figure would be
noise: it would be known to a third."""
MIN_HISTOGRAM = 50
"""Smallest number of jets of a histogram."""
CUT_EFFICIENCY = 0.5
"""Signal efficiency of the cut after which the background's mass is histogrammed."""

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class TaggingComparison:
    """Probabilities of teacher and student for the same jets, with their truth."""

    classes: tuple[str, ...]
    truth: Array
    """True classes (B,), positions in ``classes``; jets without truth are left out."""
    of_teacher: bool
    """Whether the truth is the teacher's top class, for want of labels."""
    teacher: Array
    """Probabilities by the teacher, (B, K)."""
    student: Array
    """Probabilities by the student, (B, K)."""
    kinematics: Mapping[str, Array]
    """Columns "pt" (GeV), "abs_eta", "multiplicity" and "mass" (GeV), (B,) each."""

    @property
    def background(self) -> tuple[int, ...]:
        """Positions of the background classes: QCD, else light jets, else the most frequent class."""
        for pattern in BACKGROUND_CLASSES:
            matches = tuple(k for k, name in enumerate(self.classes) if pattern.search(name))
            if matches and np.isin(self.truth, matches).any():
                return matches
        return (int(np.bincount(self.truth.astype(int), minlength=len(self.classes)).argmax()),)

    @property
    def background_names(self) -> list[str]:
        """Names of what signals are told from."""
        return [self.classes[k] for k in self.background]

    @property
    def signals(self) -> tuple[int, ...]:
        """Positions of the classes that are told from a background."""
        return tuple(k for k in range(len(self.classes)) if k not in self.background)

    def is_signal(self, k: int) -> Flags:
        """Return which jets are of a signal, (B,)."""
        flags: Flags = self.truth == k
        return flags

    def is_background(self, k: int) -> Flags:
        """Return which jets a signal is told from, (B,)."""
        del k
        return np.isin(self.truth, self.background)

    def score(self, p: Array, k: int) -> Array:
        """Compute the score of a signal from probabilities (B, K): (B,)."""
        return discriminant(p, k, self.background)

    def chosen(self, p: Array, k: int) -> Flags:
        """Return for which jets a network chooses a class, (B,)."""
        flags: Flags = p.argmax(1) == k
        return flags

    def choices(self, p: Array) -> tuple[Array, Array]:
        """Return probabilities and true classes of all choices that a network made: (B, K) and (B,)."""
        return p, self.truth

    def agreement(self) -> Array:
        """Return whether both networks have the same top class, (B,)."""
        same: Array = (self.teacher.argmax(1) == self.student.argmax(1)).astype(float)
        return same

    def right(self, p: Array) -> Array:
        """Return whether a network's top class is the true one, (B,)."""
        right: Array = (p.argmax(1) == self.truth).astype(float)
        return right


def kinematics_of(samples: Jets | ReconstructedJets) -> dict[str, Tensor]:
    """Compute transverse momentum (GeV), |pseudorapidity|, number of particles and mass (GeV) of jets, (B,) each."""
    if isinstance(samples, ReconstructedJets):
        jet = {name: samples.jet[name].squeeze(1) for name in ("pt", "eta", "mass")}
        return {"pt": jet["pt"], "abs_eta": jet["eta"].abs(), "multiplicity": samples.particles.mask.sum(1).float(),
                "mass": jet["mass"]}  # fmt: skip
    pz = (samples.pz * samples.mask).sum(1)
    pt = samples.jet_pt.squeeze(1)
    return {"pt": pt, "abs_eta": torch.asinh(pz / pt).abs(), "multiplicity": samples.mask.sum(1).float(),
            "mass": samples.mass}  # fmt: skip


def compare_taggers(
    classes: Sequence[str], samples: Jets | ReconstructedJets, labels: Tensor, teacher: Tensor, student: Tensor
) -> TaggingComparison:
    """Compare teacher and student on jets with labels (B,), or with the teacher's top class in their place.

    Args:
        classes: names of the K classes.
        samples: the jets.
        labels: (B,), positions in the classes; negative for jets without label.
        teacher, student: logits of both, (B, K).
    """
    is_labelled = labels >= 0
    of_teacher = not bool(is_labelled.any())
    truth = teacher.argmax(1) if of_teacher else labels
    rows = torch.ones_like(is_labelled) if of_teacher else is_labelled
    p, q = (logits.double().softmax(1)[rows].numpy() for logits in (teacher, student))
    kinematics = {name: value[rows].double().numpy() for name, value in kinematics_of(samples).items()}
    return TaggingComparison(tuple(classes), truth[rows].numpy(), of_teacher, p, q, kinematics)


def discriminant(p: Array, signal: int, background: Sequence[int]) -> Array:
    """Compute p_S / (p_S + p_B) from probabilities (B, K): (B,)."""
    s, b = p[:, signal], p[:, list(background)].sum(1)
    score: Array = s / np.maximum(s + b, 1e-30)
    return score


def rejection(signal: Array, background: Array, efficiency: float) -> tuple[float, float | None]:
    """Compute 1 / eps_B at a signal efficiency, and its binomial standard error.

    If fewer than `MIN_JETS` of the background pass, it is a lower limit of 95 % (Clopper and Pearson), and the error
    None.

    Args:
        signal, background: scores, (N_S,) and (N_B,).
        efficiency: share of the signal that passes.
    """
    threshold = np.quantile(signal, 1 - efficiency)
    passed, total = int((background >= threshold).sum()), len(background)
    if passed < MIN_JETS:
        return 1 / upper_limit(passed, total), None
    eps = passed / total
    return 1 / eps, float(np.sqrt(eps * (1 - eps) / total) / eps**2)


def background_needed(signal: Array, background: Array, efficiency: float, passing: int = MIN_JETS) -> int:
    """Return how many background jets would do for ``passing`` of them to pass at a signal efficiency, about.

    Args:
        signal, background: scores, (N_S,) and (N_B,).
    """
    passed = int((background >= np.quantile(signal, 1 - efficiency)).sum())
    return rounded_up(passing * len(background) / max(passed, 1))


def rounded_up(count: float) -> int:
    """Round a count up to two digits: 1234 -> 1300."""
    unit: int = 10 ** max(math.floor(math.log10(max(count, 1))) - 1, 0)
    return math.ceil(count / unit) * unit


def _class_figures(j: TaggingComparison, k: int) -> dict[str, Any] | None:
    """Compute the figures of a signal class against the background; None if one of them has too few jets."""
    is_signal, is_background = j.is_signal(k), j.is_background(k)
    if is_signal.sum() < MIN_JETS or is_background.sum() < MIN_JETS:
        return None
    efficiencies = (*EFFICIENCIES, *(LEPTONIC_EFFICIENCIES if LEPTONIC_CLASS.search(j.classes[k]) else ()))
    result: dict[str, Any] = {"jets": int(is_signal.sum()), "auc": {}, "rejection": {}, "needed": {}, "sculpting": {}}
    for role, p in (("teacher", j.teacher), ("student", j.student)):
        score = j.score(p, k)
        signal, background = score[is_signal], score[is_background]
        labels = np.r_[np.ones(len(signal)), np.zeros(len(background))]
        result["auc"][role] = float(roc_auc_score(labels, np.r_[signal, background]))
        result["rejection"][role] = {str(e): rejection(signal, background, e) for e in efficiencies}
        result["needed"][role] = {str(e): background_needed(signal, background, e) for e in efficiencies}
        mass = j.kinematics["mass"][is_background]
        result["sculpting"][role] = sculpting(mass, mass[background >= np.quantile(signal, 1 - CUT_EFFICIENCY)])
    return result


def sculpting(before: Array, after: Array) -> float | None:
    """Compute the Jensen-Shannon divergence, bits, of the background's mass before and after a cut; None if few pass.

    Args:
        before, after: masses, GeV.
    """
    if len(after) < MIN_HISTOGRAM:
        return None
    p, q = (np.histogram(m, MASS_BINS)[0] + 1e-9 for m in (before, after))
    return float(jensenshannon(p, q, base=2) ** 2)


def slice_edges(value: Array) -> Array:
    """Return the edges of bins of equal population of a quantity: more of them where there are more jets."""
    count = int(np.clip(len(value) // SLICE_JETS, N_SLICES, MOST_SLICES))
    return np.unique(np.quantile(value, np.linspace(0, 1, count + 1)))


def inside_slices(value: Array, edges: Array) -> list[Flags]:
    """Return which jets are in each bin; the last one has its upper edge."""
    position = np.clip(np.searchsorted(edges, value, side="right") - 1, 0, max(len(edges) - 2, 0))
    return [position == i for i in range(len(edges) - 1)]


def _slices(j: TaggingComparison) -> dict[str, list[dict[str, float]]]:
    """Compute agreement and accuracies in bins of equal population."""
    same = j.agreement()
    right = {role: j.right(p) for role, p in (("teacher", j.teacher), ("student", j.student))}
    slices: dict[str, list[dict[str, float]]] = {}
    for name in QUANTITIES:
        value = j.kinematics[name]
        edges = slice_edges(value)
        rows = []
        for (low, high), inside in zip(pairwise(edges), inside_slices(value, edges), strict=True):
            if inside.any():
                row = {"low": float(low), "high": float(high), "jets": int(inside.sum())}
                row |= {"agreement": float(same[inside].mean())}
                rows.append(row | {role: float(r[inside].mean()) for role, r in right.items()})
        slices[name] = rows
    return slices


def tagging_metrics(j: TaggingComparison) -> dict[str, Any]:
    """Compute all figures of a comparison, as they are written beside a run's result."""
    signals = {j.classes[k]: _class_figures(j, k) for k in j.signals}
    roles = (("teacher", j.teacher), ("student", j.student))
    choices = {role: j.choices(p) for role, p in roles}
    labels = list(range(next(iter(choices.values()))[0].shape[1]))
    return {
        "truth": "the teacher's top class" if j.of_teacher else "labels",
        "jets": len(j.truth),
        "background": j.background_names,
        "signals": {name: figures for name, figures in signals.items() if figures is not None},
        "accuracy": {role: float(j.right(p).mean()) for role, p in roles},
        "agreement": float(j.agreement().mean()),
        "classes": {
            name: class_row(j.is_signal(k), {r: p[:, k] for r, p in roles}, {r: j.chosen(p, k) for r, p in roles})
            for k, name in enumerate(j.classes)
        },
        "confusion": {
            role: confusion_matrix(t, p.argmax(1), labels=labels).tolist() for role, (p, t) in choices.items()
        },
        "calibration": {role: reliability(p, t.astype(int)) for role, (p, t) in choices.items()},
        "slices": _slices(j),
    }
