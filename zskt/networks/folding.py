"""Batch normalisation folded into the linear layers and convolutions beside it, for networks in evaluation mode.

In evaluation mode a normalisation is y = scale * x + shift, a channel each. Behind a product it scales the product's
outputs, in front of it the inputs: either way weights and bias can hold it, and the network has one operation less.
B. Jacob et al., arXiv:1712.05877, section 3.2.

Shapes: C channels in, C' channels out.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn

Product = nn.Linear | nn.Conv1d | nn.Conv2d
"""Layers whose weight is (C', C, ...) and whose bias is (C',) or None."""
Norm = nn.BatchNorm1d | nn.BatchNorm2d


def scale_and_shift(norm: Norm) -> tuple[Tensor, Tensor]:
    """Return scale and shift of a normalisation in evaluation mode, (C,) each."""
    mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    return scale, norm.bias - mean * scale


@torch.no_grad()
def fold_into_weights(weight: Tensor, bias: Tensor | None, norm: Norm) -> tuple[Tensor, Tensor]:
    """Return weight (C', C, ...) and bias (C',) of one product that does what a product and the norm behind it did."""
    scale, shift = scale_and_shift(norm)
    weight = weight * scale.view(-1, *[1] * (weight.dim() - 1))
    return weight, shift if bias is None else bias * scale + shift


@torch.no_grad()
def fold_behind(product: Product, norm: Norm) -> None:
    """Fold a normalisation into the product before it, in place."""
    weight, bias = fold_into_weights(product.weight, product.bias, norm)
    product.weight.copy_(weight)
    product.bias = nn.Parameter(bias, requires_grad=False)


@torch.no_grad()
def fold_in_front(norm: Norm, product: Product) -> None:
    """Fold a normalisation into the product behind it, in place; the product has a bias and pads nothing."""
    scale, shift = scale_and_shift(norm)
    assert product.bias is not None
    product.bias.add_(product.weight.flatten(1) @ shift)
    product.weight.mul_(scale.view(1, -1, *[1] * (product.weight.dim() - 2)))


def fold_sequence(layers: nn.Sequential) -> None:
    """Fold each normalisation that follows a product into it, in place, and leave an identity where it was."""
    for i in range(1, len(layers)):
        product, norm = layers[i - 1], layers[i]
        if isinstance(product, Product) and isinstance(norm, Norm):
            fold_behind(product, norm)
            layers[i] = nn.Identity()


def folded(layers: Iterable[nn.Module]) -> nn.Sequential:
    """Copy layers without their normalisations: those behind a product and one in front of all are folded."""
    sequence = copy.deepcopy(nn.Sequential(*layers)).eval().requires_grad_(False)
    fold_sequence(sequence)
    if isinstance(norm := sequence[0], Norm):
        product = sequence[1]
        assert isinstance(product, Product)
        fold_in_front(norm, product)
        sequence[0] = nn.Identity()
    return nn.Sequential(*(layer for layer in sequence if not isinstance(layer, nn.Identity)))


@torch.no_grad()
def as_convolution(layer: nn.Linear) -> nn.Conv1d:
    """Copy a linear layer as a frozen 1 x 1 convolution of (B, C, P)."""
    conv = nn.Conv1d(layer.in_features, layer.out_features, 1, bias=layer.bias is not None)
    conv.weight.copy_(layer.weight.unsqueeze(2))
    if conv.bias is not None:
        conv.bias.copy_(layer.bias)
    return conv.requires_grad_(False)


def as_convolutions(layers: Iterable[nn.Module]) -> nn.Sequential:
    """Copy linear layers as 1 x 1 convolutions of (B, C, P), which runtimes fuse with their activations.

    A sequence among them is converted, too; another layer made of several products has a method of this name.
    """
    convolutions: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, nn.Linear):
            layer = as_convolution(layer)
        elif isinstance(layer, nn.Sequential):
            layer = as_convolutions(layer)
        elif callable(convert := getattr(layer, "as_convolutions", None)):
            layer = convert()
        convolutions.append(layer)
    return nn.Sequential(*convolutions)
