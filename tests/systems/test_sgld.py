"""Stochastic gradient Langevin dynamics, where the posterior is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zskt.systems.sgld import sgld


class Mean(nn.Module):
    """The mean of a Gaussian distribution of width 1."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.mean - x


def test_draws_are_those_of_the_posterior() -> None:
    n, precision = 20, 5.0
    x = 2 + torch.randn(n, generator=torch.Generator().manual_seed(3))

    def loss(network: nn.Module, rows: Tensor) -> Tensor:
        residual: Tensor = network(x[rows])
        return residual.square().mean() / 2

    draws = sgld(
        Mean(), loss, n, rate=0.01, precision=precision, batch=n * 20, steps=21_000, burn_in=1000, every=5,
        rng=torch.Generator().manual_seed(0),
    )  # fmt: skip
    means = torch.stack([parameter.detach() for draw in draws for parameter in draw.parameters()])
    assert len(means) == 4000 and not any(p.requires_grad for p in draws[0].parameters())
    assert float(means.mean()) == pytest.approx(float(x.sum()) / (n + precision), abs=0.02)
    assert float(means.std()) == pytest.approx((n + precision) ** -0.5, rel=0.1)


def test_what_the_prior_says_is_not_lost_in_the_noise() -> None:
    x = torch.full((10,), 3.0)
    means = {}
    for precision in (0.0, 10.0):
        draws = sgld(
            Mean(), lambda network, rows: network(x[rows]).square().mean() / 2, 10, rate=0.02, precision=precision,
            batch=10, steps=4000, burn_in=500, every=5, rng=torch.Generator().manual_seed(1),
        )  # fmt: skip
        means[precision] = float(torch.stack([p.detach() for d in draws for p in d.parameters()]).mean())
    assert means[0.0] == pytest.approx(3.0, abs=0.1) and means[10.0] == pytest.approx(1.5, abs=0.1)
