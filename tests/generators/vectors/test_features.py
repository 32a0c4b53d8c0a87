"""From normal numbers to features."""

from __future__ import annotations

import math

import pytest
import torch

from generators.vectors.features import FeaturePrior, LatentShift, divergence, straight_through
from zskt.vectors.inputs import VectorInputs

INF = math.inf


def test_bounds_decide_the_distribution() -> None:
    spread = {"mean": [math.nan, 5, 1, 7], "std": [math.nan, 2, 2, 3]}
    prior = FeaturePrior(VectorInputs.from_bounds([2.0, 3.0, -INF, -INF], [4.0, INF, 3.0, INF], **spread))
    middle = prior(torch.zeros(1, 4))[0].tolist()
    # a log-normal number of mean and spread 2 has the median 2 / sqrt(2)
    assert middle == pytest.approx([3, 3 + math.sqrt(2), 3 - math.sqrt(2), 7])
    x = prior(torch.randn(20000, 4, generator=torch.Generator().manual_seed(0)))
    assert x[:, 0].std().item() == pytest.approx(2 / math.sqrt(12), rel=0.03)  # uniform
    assert x.mean(0).tolist() == pytest.approx([3, 5, 1, 7], abs=0.1)
    assert (x[:, 1] >= 3).all() and (x[:, 2] <= 3).all()


def test_integers_and_categories_are_equally_frequent_and_exact() -> None:
    prior = FeaturePrior(VectorInputs.from_bounds([0.0] * 4, [2.0, 1, 1, 1], integers=[0], categories=[(1, 2, 3)]))
    x = prior(torch.randn(9000, 4, generator=torch.Generator().manual_seed(0)))
    assert set(x[:, 0].tolist()) == {0, 1, 2} and set(x[:, 1:].flatten().tolist()) == {0, 1}
    assert (x[:, 1:].sum(1) == 1).all()
    for frequency in (*(x[:, 0].long().bincount() / 9000), *x[:, 1:].mean(0)):
        assert frequency.item() == pytest.approx(1 / 3, abs=0.03)  # the sigmoid is uniform within a percent


def test_gradients_are_finite_and_pass_what_is_rounded() -> None:
    prior = FeaturePrior(
        VectorInputs.from_bounds([0.0, 0.0, -INF, 0, 0], [5.0, INF, INF, 1, 1], integers=[0], categories=[(3, 4)])
    )
    u = torch.tensor([[0.1, 8.0, -8.0, 0.2, 0.3]], requires_grad=True)
    (prior(u) * torch.tensor([1.0, 1.0, 1.0, 1.0, -1.0])).sum().backward()
    assert u.grad is not None and u.grad.isfinite().all() and (u.grad != 0).all()
    x = torch.tensor(3.0, requires_grad=True)
    y = straight_through(torch.tensor(5.0), x**2)
    y.backward()
    assert y.item() == 5 and x.grad is not None and x.grad.item() == 6


def test_a_shift_begins_at_zero_is_bounded_and_costs_its_divergence() -> None:
    shift, z = LatentShift(2, 3, 8, 1.5), torch.randn(50, 2)
    assert not shift(z).any()
    with torch.no_grad():
        for p in shift.parameters():
            p.add_(100.0)
    assert 1 < shift(z).abs().max() <= 1.5
    assert divergence(torch.tensor([[1.0, 2.0], [0.0, 1.0]])).item() == (5 / 2 + 1 / 2) / 2


def test_a_feature_that_is_one_number_has_a_finite_gradient() -> None:
    prior = FeaturePrior(VectorInputs.from_bounds([5.0, 0.0], [5.0, 1.0]))
    u = torch.randn(8, 2, requires_grad=True)
    x = prior(u)
    x.sum().backward()
    assert (x[:, 0] == 5).all() and u.grad is not None and u.grad.isfinite().all() and (u.grad[:, 1] != 0).all()
