"""Batch normalisation of images with the ReLU behind it, quick where it is frozen.

In a frozen network a normalisation is x -> a x + b in each channel, and the gradient by its input is a times what comes
back: neither the input nor batch statistics are needed. PyTorch's own backward pass reads the input all the same.

Shapes: B images, C channels, H x W pixels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class BatchNorm(nn.BatchNorm2d):
    """A batch normalisation, with a ReLU behind it if ``relu``; parameters and answers are `nn.BatchNorm2d`'s."""

    def __init__(self, channels: int, *, relu: bool = False) -> None:
        super().__init__(channels)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        frozen = not (self.training or self.weight.requires_grad or self.bias.requires_grad)
        if frozen and x.requires_grad and torch.is_grad_enabled():
            y: Tensor = Frozen.apply(x, self)
            return y
        y = super().forward(x)
        return torch.relu_(y) if self.relu else y  # in place: no gradient needs what was there


class Frozen(torch.autograd.Function):
    """A frozen normalisation with the gradient by its input alone; it keeps its answer, not its input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: BatchNorm) -> Tensor:
        y = nn.BatchNorm2d.forward(layer, x)
        assert layer.running_var is not None
        scale = layer.weight / (layer.running_var + layer.eps).sqrt()
        ctx.relu = layer.relu
        if layer.relu:
            torch.relu_(y)
        ctx.save_for_backward(scale.view(1, -1, 1, 1), *([y] if layer.relu else []))
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        scale, *kept = ctx.saved_tensors
        for y in kept:
            gradient = torch.ops.aten.threshold_backward.default(gradient, y, 0)
        return gradient * scale, None
