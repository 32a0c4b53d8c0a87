"""Figures of merit of a student beside its teacher, on jets with labels.

Shapes: B jets, K classes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from teachers.inputs import Inputs

from .game import divergence
from .labelled import Labelled
from .students import count_parameters

BATCH = 256


@dataclass(frozen=True)
class Answers:
    """What a network says of a file of jets."""

    logits: Tensor
    """(B, K)"""
    seconds: float
    """Of the network alone, without reading and features."""


@torch.no_grad()
def answers(network: nn.Module, data: Labelled, inputs: Inputs, device: torch.device) -> Answers:
    """Logits of every jet in evaluation mode; the network's own mode is left as it was."""
    training = network.training
    network.eval()
    logits, seconds = [], 0.0
    for start in range(0, len(data), BATCH):
        x = tuple(t.to(device) for t in inputs(data.samples[start : start + BATCH]))
        begin = time.perf_counter()
        logits.append(network(*x).cpu())  # to the CPU within the clock: a GPU answers when it is read
        seconds += time.perf_counter() - begin
    network.train(training)
    return Answers(torch.cat(logits), seconds)


def auc(logits: Tensor, labels: Tensor) -> float | None:
    """Macro average of the one-against-rest areas under the ROC curve; None unless every class is present."""
    if len(set(labels.tolist())) < logits.shape[1]:
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


def figures(name: str, network: nn.Module, said: Answers, labels: Tensor, unit: str = "jet") -> dict[str, Any]:
    """A network's entry in ``result.json``; accuracy and AUC are of the labelled samples, None if there are none."""
    labelled = labels >= 0
    accuracy = (said.logits.argmax(1) == labels)[labelled].double().mean()
    return {
        "name": name,
        "parameters": count_parameters(network),
        "accuracy": float(accuracy) if labelled.any() else None,
        "auc": auc(said.logits[labelled], labels[labelled]),
        "ece": ece(said.logits[labelled], labels[labelled]) if labelled.any() else None,
        f"ms_per_{unit}": 1e3 * said.seconds / max(len(labels), 1),
    }


def compare(teacher: Answers | None, student: Tensor) -> dict[str, Any]:
    """The student's figures that need the teacher's answers; None each where there is no teacher."""
    if teacher is None:
        return {"agreement": None, "kl": None}
    kl = float(divergence(teacher.logits.double(), student.double()).mean())
    return {"agreement": agreement(teacher.logits, student), "kl": kl if np.isfinite(kl) else None}
