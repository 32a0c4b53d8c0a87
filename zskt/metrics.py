"""Figures of merit of a student beside its teacher, on jets with labels.

Shapes: B jets, K classes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from zskt.contracts import Inputs
from zskt.dataset import Labelled
from zskt.forward import heads
from zskt.losses import divergence

BATCH = 256


@dataclass(frozen=True)
class Predictions:
    """What a network says of a file of jets."""

    logits: Tensor
    """(B, K)"""
    values: Tensor | None
    """(B, R), regressed values; None where there are none."""
    seconds: float
    """Of the network alone, without reading and features."""


@torch.no_grad()
def answers(network: nn.Module, data: Labelled, inputs: Inputs, device: torch.device) -> Predictions:
    """Logits of every jet in evaluation mode; the network's own mode is left as it was."""
    training = network.training
    network.eval()
    said, seconds = [], 0.0
    for start in range(0, len(data), BATCH):
        x = tuple(t.to(device) for t in inputs(data.samples[start : start + BATCH]))
        begin = time.perf_counter()
        said.append(network(*x).cpu())  # to the CPU within the clock: a GPU answers when it is read
        seconds += time.perf_counter() - begin
    network.train(training)
    return Predictions(*heads(network, torch.cat(said)), seconds)


def auc(logits: Tensor, labels: Tensor) -> float | None:
    """Macro average of the one-against-rest areas under the ROC curve; None unless every class is present."""
    if not logits.shape[1] or len(set(labels.tolist())) < logits.shape[1]:
        return None
    p = logits.double().softmax(1).numpy()
    p /= p.sum(1, keepdims=True)
    return float(roc_auc_score(labels.numpy(), p, multi_class="ovr", average="macro"))


def ece(logits: Tensor, labels: Tensor) -> float:
    """Expected calibration error of the top class, 15 bins (C. Guo et al., arXiv:1706.04599, equation 3)."""
    from torchmetrics.functional.classification import multiclass_calibration_error  # takes a second to import

    p = logits.double().softmax(1)
    return float(multiclass_calibration_error(p, labels, num_classes=logits.shape[1], n_bins=15, norm="l1"))


def agreement(teacher: Tensor, student: Tensor) -> float:
    """Share of jets on which both have the same top class."""
    return float((teacher.argmax(1) == student.argmax(1)).double().mean())


def figures(name: str, parameters: int, said: Predictions, labels: Tensor, unit: str = "jet") -> dict[str, Any]:
    """A network's entry in ``result.json``; accuracy and AUC are of the labelled samples, None if there are none."""
    labelled = (labels >= 0) & (said.logits.shape[1] > 0)
    if not labelled.any():
        figure = {"accuracy": None, "auc": None, "ece": None}
        time = {f"ms_per_{unit}": 1e3 * said.seconds / max(len(labels), 1)}
        return {"name": name, "parameters": parameters, **figure, **time}
    accuracy = (said.logits.argmax(1) == labels)[labelled].double().mean()
    return {
        "name": name,
        "parameters": parameters,
        "accuracy": float(accuracy),
        "auc": auc(said.logits[labelled], labels[labelled]),
        "ece": ece(said.logits[labelled], labels[labelled]),
        f"ms_per_{unit}": 1e3 * said.seconds / max(len(labels), 1),
    }


def compare(teacher: Predictions | None, student: Predictions, names: Sequence[str] = ()) -> dict[str, Any]:
    """The student's figures that need the teacher's answers; None each where there is no teacher.

    Args:
        names: of the regressed values.
    """
    if teacher is None:
        return {"agreement": None, "kl": None}
    found: dict[str, Any] = {"agreement": None, "kl": None}
    if student.logits.shape[1]:
        kl = float(divergence(teacher.logits.double(), student.logits.double()).mean())
        found = {"agreement": agreement(teacher.logits, student.logits), "kl": kl if np.isfinite(kl) else None}
    if teacher.values is not None and student.values is not None:
        pairs = zip(names, teacher.values.T, student.values.T, strict=True)
        found["values"] = {name: regressed(t, s) for name, t, s in pairs}
    return found


def regressed(teacher: Tensor, student: Tensor) -> dict[str, float | None]:
    """How alike two regressed values are, (B,) each: correlation, and the median of their absolute difference."""
    spread = bool(teacher.std() > 0) and bool(student.std() > 0) if len(teacher) > 1 else False
    correlation = float(torch.corrcoef(torch.stack([teacher, student]).double())[0, 1]) if spread else None
    return {"correlation": correlation, "median_difference": float((teacher - student).abs().median())}
