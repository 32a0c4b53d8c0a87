"""Numbers between two bounds, of a given mean and spread."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from generators.vectors.features import FeaturePrior
from generators.vectors.logit_normal import LOGISTIC_SCALE, logit_normal
from zskt.vectors.inputs import VectorInputs

ROWS = (  # low, high, mean, std
    (0.0, 1.0, 0.5, 0.1),
    (0.0, 16.0, 0.3, 0.9),  # nearly always 0
    (0.0, 1e6, 10.0, 3.0),  # bounds far beyond what comes
    (-5.0, 5.0, -4.9, 0.3),
    (0.0, 1.0, 0.5, 0.499),  # nearly a coin
    (0.0, 2.0, 0.4, 0.0),  # a constant
    (0.0, 2.0, 0.0, 0.0),  # and one on a bound
)
INTEGERS = (
    (0.0, 16.0, 0.3, 0.9),
    (0.0, 16.0, 0.01, 0.1),
    (0.0, 1.0, 0.7, 0.458),
    (-3.0, 3.0, 2.9, 0.35),
    (0.0, 5000.0, 30.0, 10.0),
)


def drawn(rows: tuple[tuple[float, ...], ...], integers: bool) -> tuple[VectorInputs, Tensor]:
    """Many samples of the prior of such features."""
    low, high, mean, std = (list(column) for column in zip(*rows, strict=True))
    kinds = range(len(rows)) if integers else ()
    inputs = VectorInputs.from_bounds(low, high, integers=kinds, mean=mean, std=std)
    return inputs, FeaturePrior(inputs)(torch.randn(200_000, len(rows), generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("rows", [ROWS, INTEGERS], ids=["real", "integer"])
def test_mean_and_spread_are_those_that_were_given(rows: tuple[tuple[float, ...], ...]) -> None:
    inputs, x = drawn(rows, integers=rows is INTEGERS)
    assert (x >= torch.tensor(inputs.low)).all() and (x <= torch.tensor(inputs.high)).all()
    for column, mean, std in zip(x.double().T, inputs.mean, inputs.std, strict=True):
        assert column.mean().item() == pytest.approx(mean, rel=0.02, abs=1e-3)
        assert column.std().item() == pytest.approx(std, rel=0.03, abs=1e-6)
    if rows is INTEGERS:
        assert torch.equal(x, x.round())


def test_a_uniform_number_stays_as_it_was() -> None:
    u = torch.randn(100, 2)
    prior = FeaturePrior(VectorInputs.from_bounds([0.0, -1.0], [3.0, 7.0]))
    assert torch.equal(prior(u), torch.tensor([0.0, -1.0]) + torch.tensor([3.0, 8.0]) * torch.sigmoid(1.702 * u))
    half, spread = torch.tensor([0.5]), torch.tensor([12**-0.5])
    a, b = logit_normal(torch.zeros(1), torch.ones(1), half, spread)
    assert abs(a.item()) < 1e-6 and b.item() == pytest.approx(LOGISTIC_SCALE, rel=0.02)


def test_gradients_reach_all_but_constants() -> None:
    low, high, mean, std = (list(column) for column in zip(*ROWS, strict=True))
    prior = FeaturePrior(VectorInputs.from_bounds(low, high, mean=mean, std=std))
    u = torch.full((1, len(ROWS)), 0.1, requires_grad=True)
    prior(u).sum().backward()
    assert u.grad is not None and u.grad.isfinite().all()
    assert (u.grad[0, :4] != 0).all() and not u.grad[0, 5:].any()  # a coin has two sides, and no slope
