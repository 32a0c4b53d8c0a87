"""Products of lower rank."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zskt.networks.compression.low_rank import factorised, factors, rank_of
from zskt.networks.folding import Product

PRODUCTS: list[tuple[Product, tuple[int, ...]]] = [
    (nn.Linear(7, 5), (4, 7)),
    (nn.Linear(5, 7, bias=False), (4, 5)),
    (nn.Conv1d(7, 5, 1), (4, 7, 3)),
    (nn.Conv2d(3, 6, 3, stride=2, padding=1), (4, 3, 8, 8)),
]


@torch.no_grad()
@pytest.mark.parametrize(("product", "shape"), PRODUCTS)
def test_full_rank_changes_no_answer(product: Product, shape: tuple[int, ...]) -> None:
    x, full = torch.randn(*shape), min(product.weight.flatten(1).shape)
    assert torch.allclose(factors(product, full)(x), product(x), atol=1e-5)
    assert not torch.allclose(factors(product, full - 1)(x), product(x), atol=1e-3)


@torch.no_grad()
def test_of_a_matrix_of_rank_two_two_factors_are_the_whole() -> None:
    layer = nn.Linear(20, 16)
    layer.weight.copy_(torch.randn(16, 2) @ torch.randn(2, 20))
    x, lower = torch.randn(3, 20), factorised(layer, 2 / 16)
    assert torch.allclose(lower(x), layer(x), atol=1e-4)
    assert [tuple(p.shape) for p in lower.parameters()] == [(2, 20), (16, 2), (16,)]


@torch.no_grad()
def test_the_error_is_that_of_the_singular_values_left_out() -> None:
    layer = nn.Linear(9, 8, bias=False)
    lower = factors(layer, 3)
    product = lower[1].weight @ lower[0].weight  # type: ignore[operator]
    left_out = torch.linalg.svdvals(layer.weight)[3:]
    assert (product - layer.weight).norm().item() == pytest.approx(left_out.norm().item(), rel=1e-5)


@pytest.mark.parametrize(
    ("m", "n", "share", "rank"),
    [(96, 96, 0.49, 47), (96, 96, 0.5, None), (32, 7, 0.5, 4), (32, 7, 1.0, None), (10, 10, 0.01, 1)],
)
def test_two_products_are_taken_only_where_they_are_smaller(m: int, n: int, share: float, rank: int | None) -> None:
    assert rank_of(m, n, share) == rank
    if rank is None:
        layer = nn.Linear(n, m)
        assert factorised(layer, share) is layer
