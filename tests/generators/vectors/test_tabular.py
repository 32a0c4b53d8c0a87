"""Pseudo-samples of vectors: bounded, of their kinds, spread at the start, and differentiable."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from generators import GENERATORS, tabular
from generators.vectors.tabular import Tabular
from tests.generators import stream
from zskt.errors import UserError
from zskt.vectors.inputs import VectorInputs

LOW = [-2.0, 0.0, -math.inf, 5.0, -math.inf, 0.0, 0.0, 0.0, 0.0]
HIGH = [3.0, 4.0, math.inf, math.inf, -1.0, 1.0, 1.0, 1.0, 10.0]
MEAN = [*[math.nan] * 2, 7.0, 9.0, -3.0, *[math.nan] * 4]
STD = [*[math.nan] * 2, 2.0, 3.0, 1.5, *[math.nan] * 4]


def mixed(adversarial: bool = True) -> Tabular:
    """Every kind of feature: two bounds, integer, none, one below, one above, three categories, two bounds."""
    return tabular(LOW, HIGH, integers=[1], categories=[(5, 6, 7)], mean=MEAN, std=STD, adversarial=adversarial)


def drawn(generator: Tabular, n: int = 20_000, seed: int = 0) -> torch.Tensor:
    """Pseudo-samples (n, F)."""
    return generator.sample(n, stream(seed)).x[0].detach()


def perturbed(generator: Tabular) -> Tabular:
    """The generator with an adversary that has gone far."""
    assert generator.adversary is not None
    for parameter in generator.adversary.parameters():
        torch.nn.init.normal_(parameter, 0, 3)
    return generator


@pytest.mark.parametrize("generator", [mixed(), mixed(adversarial=False), perturbed(mixed())])
def test_bounds_hold_integers_are_integers_and_categories_one_hot(generator: Tabular) -> None:
    x = drawn(generator)
    assert x.shape == (20_000, 9) and torch.isfinite(x).all()
    assert (x >= torch.tensor(LOW)).all() and (x <= torch.tensor(HIGH)).all()
    assert torch.equal(x[:, 1], x[:, 1].round())
    assert set(x[:, 5:8].unique().tolist()) == {0.0, 1.0} and (x[:, 5:8].sum(1) == 1).all()


def test_it_starts_at_the_prior_which_is_spread_over_the_range() -> None:
    x = drawn(mixed())
    assert torch.equal(x, drawn(mixed(adversarial=False)))
    for column in (0, 8):  # uniform: every tenth of the range has a tenth of the samples
        shares = torch.histc(x[:, column], 10, LOW[column], HIGH[column]) / len(x)
        assert torch.allclose(shares, torch.tensor(0.1), atol=0.02)
    assert torch.allclose(torch.bincount(x[:, 1].long()) / len(x), torch.tensor(0.2), atol=0.02)
    assert torch.allclose(x[:, 5:8].mean(0), torch.tensor(1 / 3), atol=0.02)
    for column in (2, 3, 4):  # where a bound is missing, mean and spread are those that were asked for
        assert x[:, column].mean().item() == pytest.approx(MEAN[column], abs=0.1)
        assert x[:, column].std().item() == pytest.approx(STD[column], rel=0.1)


def test_gradients_are_finite_and_reach_the_adversary_and_leaving_the_prior_costs() -> None:
    generator = mixed()
    batch = generator.sample(256, stream())
    assert batch.penalty is not None and batch.penalty.item() == 0
    for column in range(9):  # every feature pulls, whatever its kind
        generator.zero_grad()
        (batch.x[0][:, column] * torch.randn(256)).sum().backward(retain_graph=True)
        gradients = [p.grad for p in generator.parameters() if p.grad is not None]
        assert all(torch.isfinite(gradient).all() for gradient in gradients)
        assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0
    moved = perturbed(mixed()).sample(256, stream()).penalty
    assert moved is not None and moved > 0
    moved.backward()


def test_an_adversary_learns_where_it_is_sent() -> None:
    generator = tabular([0.0, 0.0], 1.0, tau=0.0)
    optimizer = torch.optim.Adam(generator.parameters(), 1e-2)
    rng = stream()
    for _ in range(100):
        optimizer.zero_grad()
        (-generator.sample(64, rng).x[0][:, 0]).mean().backward()
        optimizer.step()
    x = drawn(generator, 1000)
    assert x[:, 0].mean() > 0.9 and 0.3 < x[:, 1].mean() < 0.7


def test_the_same_seed_gives_the_same_batch_of_exactly_so_many() -> None:
    generator = mixed()
    assert torch.equal(drawn(generator, 7), drawn(generator, 7))
    assert not torch.equal(drawn(generator, 7), drawn(generator, 7, seed=1))
    batch = generator.sample(7, stream())
    again = generator.sample(7, stream(5), latent=batch.latent)
    assert torch.equal(batch.x[0], again.x[0])


def test_arrays_tensors_and_constant_features_are_taken() -> None:
    x = drawn(tabular(np.array([0.0, 2.0]), torch.tensor([1.0, 2.0])), 10)
    assert x.shape == (10, 2) and (x[:, 1] == 2).all()
    assert drawn(tabular(0, 1, size=4), 10).shape == (10, 4)
    with pytest.raises(UserError, match="low has 2, high has 3"):
        tabular([0, 0], [1, 1, 1])


def test_integers_without_bounds_and_far_from_zero() -> None:
    x = drawn(tabular([-math.inf, 100.0, 0.4], [math.inf, math.inf, 2.7], integers=[0, 1, 2], std=[5.0, 20.0, 1.0]))
    assert torch.equal(x, x.round())
    assert x[:, 0].std().item() == pytest.approx(5, rel=0.05) and x[:, 1].min() == 100
    assert set(x[:, 2].tolist()) == {1.0, 2.0}


def test_the_command_line_knows_both() -> None:
    inputs = VectorInputs.from_bounds(0, 1, size=3)
    prior, adversarial = (GENERATORS[name].build(inputs) for name in ("tabular-prior", "tabular"))
    assert not list(prior.parameters()) and list(adversarial.parameters())
    assert {GENERATORS[name].domain for name in ("tabular-prior", "tabular")} == {inputs.domain}
