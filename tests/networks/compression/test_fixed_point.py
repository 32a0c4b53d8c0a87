"""Numbers on a grid of n bits."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zskt.networks.compression.fixed_point import INPUT_BITS, FixedPoint, quantised


def on_grid(x: torch.Tensor, fmt: FixedPoint) -> bool:
    low, high, scale = fmt.grid
    whole = x / scale
    return bool((whole == whole.round()).all() and (whole >= low).all() and (whole <= high).all())


def test_rounding_by_hand() -> None:
    fmt = FixedPoint(3, of_weight=True)  # -3 to 3
    fmt.fit(torch.tensor([1.4, -0.6, 0.2]))
    assert fmt.grid == (-3, 3, 0.5)
    for x in (torch.tensor([1.4, -0.6, 0.2, 9.0, -9.0]), torch.tensor([1.4, -0.6, 0.2, 9.0, -9.0], requires_grad=True)):
        assert fmt(x).tolist() == [1.5, -0.5, 0.0, 1.5, -1.5]


def test_gradients_pass_rounding_and_not_what_is_clamped() -> None:
    fmt = FixedPoint(3, of_weight=True)
    fmt.exponent.fill_(-1.0)
    x = torch.tensor([1.4, -0.6, 9.0, -9.0], requires_grad=True)
    (fmt(x) * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [1.0, 2.0, 0.0, 0.0]


@pytest.mark.parametrize("bits", [2, 4, 6, 8])
def test_weights_are_on_the_grid_before_and_after_a_step(bits: int) -> None:
    layer = quantised(nn.Linear(20, 10), bits, reads_inputs=False)
    fmt, product = layer[0], layer[1]
    assert isinstance(fmt, FixedPoint) and isinstance(product, nn.Linear)
    of_weight = product.parametrizations.weight[0]  # type: ignore[union-attr, index]
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    for _ in range(3):
        assert on_grid(product.weight, of_weight)
        assert len(product.weight.unique()) <= 2**bits - 1
        optimizer.zero_grad()
        layer(torch.randn(8, 20)).square().mean().backward()
        optimizer.step()
    with torch.no_grad():
        assert on_grid(product.weight, of_weight)


def test_what_a_product_takes_is_unsigned_where_it_is_never_negative() -> None:
    positive, both = FixedPoint(4, of_weight=False), FixedPoint(4, of_weight=False)
    positive.fit(torch.tensor([0.0, 3.0, 15.0]))
    both.fit(torch.tensor([-7.0, 3.0, 5.0]))
    assert positive.grid == (0, 15, 1.0) and both.grid == (-7, 7, 1.0)


def test_a_few_large_numbers_are_clamped_where_that_is_the_smaller_error() -> None:
    fmt, x = FixedPoint(4, of_weight=True), torch.cat([torch.randn(10_000), torch.tensor([8.0])])
    fmt.fit(x)
    _, high, scale = fmt.grid
    assert high * scale < 8.0


def test_inputs_of_the_network_keep_more_bits() -> None:
    first, other = (quantised(nn.Linear(3, 2), 4, reads_inputs=reads)[0] for reads in (True, False))
    assert isinstance(first, FixedPoint) and isinstance(other, FixedPoint)
    assert (first.bits, other.bits) == (INPUT_BITS, 4)


def test_a_saved_format_is_read_again() -> None:
    fmt, other = FixedPoint(4, of_weight=False), FixedPoint(4, of_weight=False)
    fmt.fit(torch.tensor([0.0, 3.0]))
    assert other.grid != fmt.grid
    other.load_state_dict(fmt.state_dict())
    assert other.grid == fmt.grid
