"""A curriculum of samples by their loss: those that are easy now count most, and the others ever more.

Self-paced learning with a logarithmic regulariser: Y. Fan et al., "Self-paced learning: an implicit regularization
perspective", AAAI 2017, as CuDFKD (J. Li et al., arXiv:2208.13648) and AdaDFKD have it.

Shapes: B batch, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zskt.forward import Output
from zskt.losses import divergence
from zskt.terms.term import Term

THRESHOLD = "threshold"
"""The extra of `Output` in which `CurriculumKL` finds the threshold, (B,), the same for each sample."""
UNIT = "curriculum_unit"
"""The extra in which it finds the unit of the threshold, nats, (B,), the same for each sample; 1 without it."""


def curriculum_weights(loss: Tensor, threshold: Tensor) -> Tensor:
    """Return (1 + e^-lambda) / (1 + e^(loss - lambda)) of losses (B,): 1 at no loss, a half near the threshold."""
    weights: Tensor = (1 + torch.exp(-threshold)) * torch.sigmoid(threshold - loss)
    return weights


@dataclass
class CurriculumKL(Term):
    """KL(T || S) of each sample, weighed by a curriculum, whose weights have no gradient."""

    temperature: float = 1.0
    name = "student's weighed KL"

    def distance(self, teacher: Output, student: Output) -> Tensor:
        loss = divergence(teacher.logits, student.logits, self.temperature)
        counted = loss.detach() / teacher.extras.get(UNIT, 1.0)
        return (curriculum_weights(counted, teacher.extras[THRESHOLD]) * loss).mean()
