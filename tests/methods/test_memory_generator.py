"""The memory of PRE-DFKD: its terms by hand, and encoders for each kind of samples."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from zskt.methods.memory_generator import Encoder, Memory, distance_to_normal, kl_to_prior, mean_absolute

from .setups import jets_setup, numbers_setup, resnets_setup


def test_terms_have_the_values_of_their_formulas() -> None:
    assert mean_absolute(torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 5.0]])).tolist() == [1.5]
    mean, log_variance = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    assert float(kl_to_prior(mean, log_variance)) == pytest.approx(0.5 + 0.5 * (torch.e**2 - 1 - 2))
    assert float(kl_to_prior(torch.zeros(3, 4), torch.zeros(3, 4))) == 0
    z = torch.tensor([[1.0], [3.0]])  # mean 2, variance 2
    assert float(distance_to_normal(z)) == pytest.approx(1 + 4)


@pytest.mark.parametrize("make", [resnets_setup, numbers_setup, lambda: jets_setup("mlp")])
def test_a_memory_makes_samples_of_the_same_kind(make) -> None:  # type: ignore[no-untyped-def]
    setup, rng = make(), torch.Generator().manual_seed(0)
    x = setup.generator.sample(4, rng).x
    encoder = Encoder(x, setup.pair.student, setup.pair.student(*x).shape[1], setup.generator.latent_size)
    memory = Memory(setup.generator, encoder)
    again, kl = memory.recalled(x, rng)
    assert [t.shape[:2] for t in again.x] == [t.shape[:2] for t in x] and memory.decoder is not setup.generator
    mean, log_variance = encoder(x)
    to_prior = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(1).mean()
    assert float(kl.detach()) == pytest.approx(float(to_prior.detach()), rel=1e-4) and float(to_prior.detach()) > 0
