"""Products of lower rank: W, (m, n), becomes U V, (m, r) and (r, n), by its singular value decomposition.

M. Jaderberg et al., arXiv:1405.3866; C. Eckart and G. Young, Psychometrika 1 (1936) 211: no other matrix of rank r is
nearer. The two take r (m + n) products in place of m n, so that it pays where r < m n / (m + n).

Shapes: m outputs, n inputs of a product, with the positions of its kernel.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from zskt.networks.folding import Product


def rank_of(m: int, n: int, share: float) -> int | None:
    """Return the rank that is a share of the largest one; None where two products would be no smaller than one."""
    rank = max(1, round(share * min(m, n)))
    return rank if rank * (m + n) < m * n else None


@torch.no_grad()
def factorised(product: Product, share: float) -> nn.Module:
    """Return two products of lower rank in place of one, or the same one where that does not pay."""
    m, n = product.weight.flatten(1).shape
    rank = rank_of(m, n, share)
    grouped = not isinstance(product, nn.Linear) and product.groups > 1
    return product if rank is None or grouped else factors(product, rank)


@torch.no_grad()
def factors(product: Product, rank: int) -> nn.Sequential:
    """Return the two products that are nearest to one: of the inputs to r numbers, of these to the outputs."""
    u, s, v = torch.linalg.svd(product.weight.flatten(1), full_matrices=False)
    root = s[:rank].sqrt()
    down, up = root.unsqueeze(1) * v[:rank], u[:, :rank] * root
    first, second = _pair(product, rank)
    first.weight.copy_(down.view_as(first.weight))
    second.weight.copy_(up.view_as(second.weight))
    if product.bias is not None and second.bias is not None:
        second.bias.copy_(product.bias)
    return nn.Sequential(first, second)


def _pair(product: Product, rank: int) -> tuple[Product, Product]:
    """Build two products of the same kind; the kernel is the first one's."""
    has_bias = product.bias is not None
    if isinstance(product, nn.Linear):
        return nn.Linear(product.in_features, rank, bias=False), nn.Linear(rank, product.out_features, has_bias)
    kind: Any = type(product)
    first: Product = kind(
        product.in_channels,
        rank,
        product.kernel_size,
        product.stride,
        product.padding,
        product.dilation,
        bias=False,
    )
    second: Product = kind(rank, product.out_channels, 1, bias=has_bias)
    return first, second
