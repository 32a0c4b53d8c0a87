"""Batch normalisation over the whole batch where each process has some of its rows, on any device.

`torch.nn.SyncBatchNorm` does it on GPUs alone, and only in networks that were converted to it, which have another class
then. Here the function below every normalisation, `torch.nn.functional.batch_norm`, is taken in place of PyTorch's
while the ranks of a run are joined, so that networks stay what they are.

Shapes: B batch, C channels, N ranks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

Collective = Callable[[Tensor], Tensor]


class SynchronisedBatchNorm(TorchFunctionMode):
    """While entered, batch normalisation in training takes the statistics of all ranks' rows.

    Args:
        gathered: (...) of each rank -> (N, ...) on all.
        summed: (...) of each rank -> their sum on all.
    """

    def __init__(self, gathered: Collective, summed: Collective) -> None:
        super().__init__()
        self.gathered, self.summed = gathered, summed

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.nn.functional.batch_norm:
            return self._batch_norm(*args, **kwargs)
        return func(*args, **kwargs)

    def _batch_norm(
        self,
        x: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        """As `torch.nn.functional.batch_norm`: x (B, C, ...)."""
        if not training:
            return torch.nn.functional.batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
        mean, variance, count = self._statistics(x.detach())
        if running_mean is not None and running_var is not None:
            with torch.no_grad():
                running_mean.lerp_(mean.to(running_mean.dtype), momentum)
                running_var.lerp_((variance * count / (count - 1)).to(running_var.dtype), momentum)
        y: Tensor = _Normalised.apply(x, weight, bias, mean, variance, count, eps, self.summed)
        return y

    def _statistics(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean and variance of each channel over all ranks, (C,), and the count of what they are over."""
        x = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
        variance, mean = torch.var_mean(x, [0, *range(2, x.dim())], correction=0)
        counted = x.new_full((1,), x.numel() // x.shape[1])
        all_ranks = self.gathered(torch.cat([mean, variance, counted]))
        means, variances, counts = torch.split(all_ranks, [len(mean), len(mean), 1], 1)
        count = counts.sum()
        mean = (counts * means).sum(0) / count
        return mean, (counts * (variances + (means - mean).square())).sum(0) / count, count


class _Normalised(torch.autograd.Function):
    """The normalisation by given statistics of the whole batch, whose gradient passes through these, too."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        variance: Tensor,
        count: Tensor,
        eps: float,
        summed: Collective,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, (variance + eps).rsqrt(), count)
        ctx.has_bias, ctx.summed = bias is not None, summed
        return torch.nn.functional.batch_norm(x, mean, variance, weight, bias, False, 0.0, eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, inverse, count = ctx.saved_tensors
        (gradient,) = gradients
        rest, shape = [0, *range(2, x.dim())], [1, -1, *[1] * (x.dim() - 2)]
        normal = (x - mean.view(shape)) * inverse.view(shape)
        of_bias, of_weight = gradient.sum(rest, dtype=mean.dtype), (gradient * normal).sum(rest)
        mean_gradient, mean_product = ctx.summed(torch.stack([of_bias, of_weight])) / count
        scale = inverse if weight is None else inverse * weight
        by_x = (gradient - mean_gradient.view(shape) - normal * mean_product.view(shape)) * scale.view(shape)
        by_weight, by_bias = (of_weight if weight is not None else None), (of_bias if ctx.has_bias else None)
        return by_x.to(x.dtype), by_weight, by_bias, None, None, None, None, None
