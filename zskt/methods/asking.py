"""Which pseudo-samples the teacher is asked about, where answers cost: those of which the student is least certain.

M. Farhadi and Y. Yang, "TKD: temporal knowledge distillation for active perception", WACV 2020, ask the teacher about
key frames alone. Here more samples are drawn than are asked about, and the student's own entropy chooses.

Shapes: B batch, K classes.
"""

from __future__ import annotations

import torch
from torch import nn

from zskt.contracts import PseudoBatch
from zskt.errors import UserError
from zskt.forward import evaluating, forward
from zskt.generator import Generator, is_trainable
from zskt.losses import entropy


def drawn_for(count: int, share: float) -> int:
    """Return how many samples are drawn, so that ``count`` of them are the ``share`` that is asked about."""
    return round(count / share)


def require_no_training(generator: Generator, every: int, share: float) -> None:
    """Raise `UserError` if samples are to be chosen of a generator that learns from what each was worth."""
    if share < 1 and every and is_trainable(generator):
        raise UserError(
            f"ask_share is {share}, but the generator is trained on every sample that it makes; take a generator "
            "without parameters, such as shower-prior or strokes-prior, or set generator_every=0"
        )


@torch.no_grad()
def least_certain(batch: PseudoBatch, student: nn.Module, count: int) -> PseudoBatch:
    """Keep the ``count`` samples on which the student's entropy is largest, in the order in which they came.

    Only x stays: nothing learns from how these samples were made.
    """
    with evaluating(student):
        uncertainty = entropy(forward(student, batch.x).logits)
    rows = uncertainty.topk(min(count, len(uncertainty))).indices.sort().values
    return PseudoBatch(tuple(t[rows] for t in batch.x))
