"""Metrics of a student beside its teacher: accuracy, AUC, calibration, agreement, KL, regressed values.

Shapes: B samples, K classes, R regressed values. Logits are (B, K), or (B, L, 2) of L independent labels, see
`zskt.forward.Output`. A sample's one true label k is the positive of the k-th of these; L is none of them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zskt.contracts import Inputs
from zskt.dataset import Labelled
from zskt.device import to_device
from zskt.forward import evaluating, split_heads
from zskt.gaussian import GaussianHead
from zskt.losses import divergence
from zskt.parallel.collectives import sum_of, together
from zskt.parallel.ranks import world

PREDICT_BATCH = 256
"""Samples that a network is asked about at once."""
N_CALIBRATION_BINS = 15


@dataclass(frozen=True)
class Predictions:
    """What a network answers to a set of samples."""

    logits: Tensor
    """(B, K), or (B, L, 2)"""
    values: Tensor | None
    """(B, R), regressed values; None where there are none."""
    seconds: float
    """Time in the network alone, without reading and features."""


@torch.no_grad()
def predict(network: nn.Module, data: Labelled, inputs: Inputs, device: torch.device) -> Predictions:
    """Run a network in evaluation mode on every sample; its modules' own modes are left as they were.

    Of several ranks each runs it on a part of the samples, and all get the answers to all of them.
    """
    answers, seconds = [], 0.0
    begin, end = _part(len(data))
    with evaluating(network):
        for start in range(begin, end, PREDICT_BATCH):
            samples = data.samples[start : min(start + PREDICT_BATCH, end)]
            if isinstance(samples, Tensor):  # bytes travel, and become numbers there
                samples = to_device(samples, device)
            x = tuple(to_device(t, device) for t in inputs(samples))
            clock = time.perf_counter()
            answers.append(network(*x).cpu())  # to the CPU within the clock: a GPU answers when it is read
            seconds += time.perf_counter() - clock
    answer = torch.cat(answers)
    if end - begin < len(data):
        answer, seconds = together(answer), sum_of(seconds)
    return Predictions(*split_heads(network, answer), seconds)


def _part(count: int) -> tuple[int, int]:
    """Return begin and end of this rank's part of so many samples; fewer than ranks are not shared out."""
    here = world()
    if count < here.size:
        return 0, count
    return count * here.rank // here.size, count * (here.rank + 1) // here.size


def auc(logits: Tensor, labels: Tensor) -> float | None:
    """Return the macro average of the one-against-rest areas under the ROC curve; None unless every class is there."""
    from sklearn.metrics import roc_auc_score  # takes a second to import

    if not logits.shape[1] or len(set(labels.tolist())) < logits.shape[1]:
        return None
    if logits.dim() > 2:
        positive = is_positive(labels, logits.shape[1])
        if not bool((positive.any(0) & ~positive.all(0)).all()):
            return None
        return float(roc_auc_score(positive.numpy(), label_logits(logits).double().numpy(), average="macro"))
    p = logits.double().softmax(1).numpy()
    p /= p.sum(1, keepdims=True)
    if p.shape[1] == 2:
        return float(roc_auc_score(labels.numpy(), p[:, 1]))
    return float(roc_auc_score(labels.numpy(), p, multi_class="ovr", average="macro"))


def is_positive(labels: Tensor, count: int) -> Tensor:
    """Return which of L independent labels is each sample's own, labels (B,) -> (B, L) of bool."""
    return labels.unsqueeze(1) == torch.arange(count, device=labels.device)


def label_logits(logits: Tensor) -> Tensor:
    """Return the logits z of L independent labels, (B, L, 2) -> (B, L): the sigmoid of z is the label's probability."""
    return logits[..., 0] - logits[..., 1]


def as_choices(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return logits and true classes of single choices: (B, K), (B,) as they are, (B, L, 2) as (B L, 2), (B L,)."""
    if logits.dim() == 2:
        return logits, labels
    return logits.flatten(0, 1), (~is_positive(labels, logits.shape[1])).long().flatten()


def ece(logits: Tensor, labels: Tensor) -> float:
    """Return the expected calibration error of the top class (C. Guo et al., arXiv:1706.04599, equation 3)."""
    from torchmetrics.functional.classification import multiclass_calibration_error  # takes a second to import

    p = logits.double().softmax(1)
    k, bins = logits.shape[1], N_CALIBRATION_BINS
    return float(multiclass_calibration_error(p, labels, num_classes=k, n_bins=bins, norm="l1"))


def agreement(teacher: Tensor, student: Tensor) -> float:
    """Return the share of samples on which both have the same top class, of labels the share of equal decisions."""
    return float((teacher.argmax(-1) == student.argmax(-1)).double().mean())


def accuracy(logits: Tensor, labels: Tensor) -> float | None:
    """Return the share of right choices of the labelled samples, or of right decisions on labels; None without any."""
    labelled = labels >= 0
    if not labelled.any() or not logits.shape[1]:
        return None
    choices, right = as_choices(logits[labelled], labels[labelled])
    return float((choices.argmax(1) == right).double().mean())


def network_metrics(name: str, parameters: int | None, predictions: Predictions, labels: Tensor) -> dict[str, Any]:
    """Return a network's entry in ``result.json``; accuracy, AUC and ECE are of the labelled samples, else None.

    Of independent labels accuracy and ECE are those of all decisions, label by label.
    """
    entry: dict[str, Any] = {"name": name, "parameters": parameters, "accuracy": None, "auc": None, "ece": None}
    labelled = (labels >= 0) & (predictions.logits.shape[1] > 0)
    if labelled.any():
        logits, truth = predictions.logits[labelled], labels[labelled]
        choices, right = as_choices(logits, truth)
        entry |= {"accuracy": accuracy(logits, truth), "auc": auc(logits, truth), "ece": ece(choices, right)}
    return entry | {"ms_per_sample": 1e3 * predictions.seconds / max(len(labels), 1)}


def compare(
    teacher: Predictions | None,
    student: Predictions,
    names: Sequence[str] = (),
    gaussians: Sequence[GaussianHead] = (),
) -> dict[str, Any]:
    """Return the student's metrics that need the teacher's answers; None each where there is no teacher.

    Args:
        names: of the regressed values.
        gaussians: which of them are mean and width of one.
    """
    metrics: dict[str, Any] = {"agreement": None, "kl": None}
    if teacher is None:
        return metrics
    if student.logits.shape[1]:
        kl = float(divergence(teacher.logits.double(), student.logits.double()).mean())
        finite = kl if torch.isfinite(torch.tensor(kl)) else None
        metrics = {"agreement": agreement(teacher.logits, student.logits), "kl": finite}
    if teacher.values is not None and student.values is not None:
        pairs = zip(names, teacher.values.T, student.values.T, strict=True)
        metrics["values"] = {name: compare_values(t, s) for name, t, s in pairs}
        for head in gaussians if names else ():
            metrics["values"][names[head.mean]] |= compare_gaussians(teacher.values, student.values, head)
    return metrics


def compare_gaussians(teacher: Tensor, student: Tensor, head: GaussianHead) -> dict[str, float]:
    """Return how far the student's mean is off in units of the teacher's width, and its width in shares of that.

    Args:
        teacher, student: values (B, R).
        head: which of them are mean and width.
    """
    t, s = teacher.double(), student.double()
    width = head.log_width(t).exp()
    pull, ratio = (s - t)[:, head.mean] / width, torch.exp(head.log_width(s)) / width
    return {"rms_in_widths": float(pull.square().mean().sqrt()), "width_error": float((ratio - 1).abs().median())}


def compare_values(teacher: Tensor, student: Tensor) -> dict[str, float | None]:
    """Return the correlation of two regressed values, (B,) each, and the median of their absolute difference."""
    spread = len(teacher) > 1 and bool(teacher.std() > 0) and bool(student.std() > 0)
    correlation = float(torch.corrcoef(torch.stack([teacher, student]).double())[0, 1]) if spread else None
    return {"correlation": correlation, "median_difference": float((teacher - student).abs().median())}
