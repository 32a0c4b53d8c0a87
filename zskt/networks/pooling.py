"""Sums and maxima over the particles of each jet, of rows that are packed: nothing is unpacked, and no padding summed.

Shapes: N rows, C channels, B jets.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def sum_and_maximum(x: Tensor, jet: Tensor, jets: int) -> tuple[Tensor, Tensor]:
    """Sum rows (N, C), and take their maximum or 0, over each of B ``jets``: (B, C) each.

    Args:
        jet: (N,), the jet of each row.
    """
    result: tuple[Tensor, Tensor] = _SumAndMaximum.apply(x, jet, jets)
    return result


class _SumAndMaximum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, jet: Tensor, jets: int) -> tuple[Tensor, Tensor]:
        total = x.new_zeros(jets, x.shape[1]).index_add_(0, jet, x)
        rows = jet.unsqueeze(1).expand_as(x)
        maximum = x.new_zeros(jets, x.shape[1]).scatter_reduce_(0, rows, x, "amax")
        ctx.save_for_backward(x, jet, maximum)
        return total, maximum

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_total: Tensor, of_maximum: Tensor) -> tuple[Tensor | None, ...]:
        x, jet, maximum = ctx.saved_tensors
        # 1 for each row that is the maximum, else 0, without a mask of bool: products with such are slow.
        below = maximum.index_select(0, jet).neg_().add_(x)
        is_maximum = torch.ops.aten.threshold_backward(torch.ones_like(x), below, -torch.finfo(x.dtype).tiny)
        ties = torch.zeros_like(maximum).index_add_(0, jet, is_maximum).clamp_(min=1)
        share = (of_maximum / ties).index_select(0, jet)
        return of_total.index_select(0, jet).addcmul_(is_maximum, share), None, None
