"""Unstructured pruning: the weights of least magnitude are zero, and stay so while the others learn.

S. Han et al., "Learning both weights and connections", arXiv:1506.02626.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from zskt.networks.folding import Product


class Mask(nn.Module):
    """A weight times a mask of ones and zeros: zeros get no gradient, and are saved with the network."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight with its zeros."""
        return weight * self.mask


@torch.no_grad()
def mask_smallest(product: Product, sparsity: float) -> None:
    """Make a share of the weights of a product zero for good, those of least magnitude, in place."""
    weight = product.weight
    smallest = weight.abs().flatten().argsort(stable=True)[: round(sparsity * weight.numel())]
    mask = torch.ones_like(weight).flatten()
    mask[smallest] = 0
    parametrize.register_parametrization(product, "weight", Mask(mask.view_as(weight)))
