"""What pseudo-samples are made for: terms that a generator, or the pixels of an image themselves, go down.

Terms of single samples are (B,), so that they can be masked and weighed; those of a whole batch are scalars. All are in
nats, and smaller is better.

Shapes: B batch, K classes, C channels, H x W pixels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from zskt.errors import UserError
from zskt.forward import Pair
from zskt.losses import MIN_LOG, class_information, divergence

BASE_10 = math.log(10)
"""A weight of an entropy whose logarithm is to base 10 is divided by this, for one in nats."""


def require_one_choice(pair: Pair, method: str) -> None:
    """Raise `UserError` unless the teacher answers one choice of K classes and nothing else, which targets need."""
    if pair.regression_scale is not None:
        raise UserError(f"{method}: knows classes alone, but the teacher regresses values, too; use --method zskt")
    if getattr(pair.teacher, "bernoulli", False):
        raise UserError(f"{method}: asks for one class a sample, but the teacher has labels; use --method zskt")


def target_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy with the classes that were asked for: logits (B, K), targets (B,) -> (B,)."""
    return nn.functional.cross_entropy(logits, targets, reduction="none")


def adversarial(teacher: Tensor, student: Tensor, temperature: float = 1.0, *, masked: bool = False) -> Tensor:
    """Return minus KL(T || S), so that going down seeks disagreement: logits (B, K) each -> (B,).

    Args:
        masked: if True, samples on whose top class both do not agree count 0: G. Fang et al., "Contrastive model
            inversion", arXiv:2105.08584, equation 6. What is wrong already need not become worse.
    """
    loss = -divergence(teacher, student, temperature)
    return loss * (teacher.argmax(-1) == student.argmax(-1)) if masked else loss


def agreement_of_beliefs(teacher: Tensor, student: Tensor, temperature: float = 1.0) -> Tensor:
    """Return 1 - JS(T || S) / log 2, between 0 and 1, logits (B, K) each -> (B,).

    The Jensen-Shannon divergence seeks disagreement without reward for extremes: H. Yin et al., "Dreaming to distil",
    arXiv:1912.08795, equations 6 and 7, whose JS is in units of log 2.
    """
    log_t, log_s = (torch.log_softmax(z / temperature, -1).clamp(min=MIN_LOG) for z in (teacher, student))
    t, s = log_t.exp(), log_s.exp()
    log_m = ((t + s) / 2).clamp(min=torch.finfo(t.dtype).tiny).log()
    js = (t * (log_t - log_m)).sum(-1) + (s * (log_s - log_m)).sum(-1)
    return 1 - js / (2 * math.log(2))


def class_imbalance(teacher: Tensor) -> Tensor:
    """Return log K less the entropy of the mean class probabilities, of each sample: logits (B, K) -> (B,).

    Its mean is 0 where all classes come up alike: H. Chen et al. (DAFL), arXiv:1904.01186, equation 6, maximise that
    entropy. Their code, and PRE-DFKD's, takes its logarithm to base 10, see `BASE_10`.
    """
    return math.log(teacher.shape[-1]) - class_information(teacher)


def total_variation(x: Tensor) -> Tensor:
    """Return how much neighbouring pixels differ, along rows, columns and both diagonals: (B, C, H, W) -> a scalar.

    Each direction counts by the Euclidean norm over the batch: H. Yin et al., arXiv:1912.08795, equation 3, as their
    code has it.
    """
    directions = (
        x[..., :, 1:] - x[..., :, :-1],
        x[..., 1:, :] - x[..., :-1, :],
        x[..., 1:, 1:] - x[..., :-1, :-1],
        x[..., 1:, :-1] - x[..., :-1, 1:],
    )
    return torch.stack([torch.linalg.vector_norm(d) for d in directions]).sum()
