"""How much of a teacher a student explains: the share of its divergence, and the average decision ordering.

Shapes: N samples, K classes, L independent labels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from zskt.dataset import drawn_rows
from zskt.losses import divergence
from zskt.metrics import agreement, label_logits

MAX_ORDERED = 2000
"""Samples of signal, and of background, whose pairs are counted; drawn where there are more."""


def divergence_of_nothing(teacher: Tensor) -> float:
    """Return the KL from a teacher to the one answer to all samples that is best, the mean of its own, nats.

    It is the mutual information of sample and answer: all that there is to explain.

    Args:
        teacher: logits (N, K), or (N, L, 2).
    """
    teacher = teacher.double()
    constant = teacher.softmax(-1).mean(0, keepdim=True).clamp(min=1e-300).log().expand_as(teacher)
    return float(divergence(teacher, constant).mean())


def explained(teacher: Tensor, student: Tensor) -> dict[str, float]:
    """Return what a student's logits tell of a teacher's: "kl", "explained" (1 - KL / all that there is), "agreement"
    and "ado".
    """
    kl = float(divergence(teacher.double(), student.double()).mean())
    everything = divergence_of_nothing(teacher)
    return {
        "kl": kl,
        "explained": 1 - kl / everything if everything > 0 else 0.0,
        "agreement": agreement(teacher, student),
        "ado": mean_decision_ordering(teacher, student),
    }


def decision_scores(logits: Tensor) -> Tensor:
    """Return the logarithm of the odds of each class against all others, (N, K), or of each label, (N, L)."""
    if logits.dim() > 2:
        return label_logits(logits).double()
    p = logits.double().log_softmax(1)
    rest = torch.stack([torch.cat([p[:, :k], p[:, k + 1 :]], 1).logsumexp(1) for k in range(p.shape[1])], 1)
    return p - rest


def decision_ordering(teacher: Tensor, student: Tensor, signal: Tensor) -> float | None:
    """Return the share of pairs of a signal and a background sample that both scores order alike.

    T. Faucett, J. Thaler and D. Whiteson, arXiv:2010.11998, equation 5. Ties of the student count as one half.

    Args:
        teacher, student: scores, (N,).
        signal: (N,) of bool.

    Returns:
        the share; None without signal, or without background.
    """
    s, b = (rows[drawn_rows(len(rows), MAX_ORDERED), 0] for rows in (signal.nonzero(), (~signal).nonzero()))
    if not len(s) or not len(b):
        return None
    orders = [(t[s].unsqueeze(1) - t[b].unsqueeze(0)).sign() for t in (teacher, student)]
    return float((1 + (orders[0] * orders[1]).double()).mean() / 2)


def signals(teacher: Tensor) -> Tensor:
    """Return which samples are of each class, or have each label, by the teacher's own decision: (N, K) or (N, L)."""
    if teacher.dim() > 2:
        return label_logits(teacher) > 0
    return teacher.argmax(1, keepdim=True) == torch.arange(teacher.shape[1], device=teacher.device)


def mean_decision_ordering(teacher: Tensor, student: Tensor) -> float:
    """Return the average of the decision ordering over classes, each against the rest, of logits."""
    return mean_ordering_of_scores(teacher, decision_scores(student))


def mean_ordering_of_scores(teacher: Tensor, scores: Tensor) -> float:
    """Return the same of a score for each class, (N, K): of one shape function."""
    t, chosen = decision_scores(teacher), signals(teacher)
    found = [decision_ordering(t[:, k], scores[:, k], chosen[:, k]) for k in range(t.shape[1])]
    values = [value for value in found if value is not None]
    return sum(values) / len(values) if values else float("nan")
