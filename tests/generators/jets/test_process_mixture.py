"""Exponential weights over components."""

from __future__ import annotations

import torch

from generators.jets.process_mixture import ExponentialWeights
from tests.generators import stream


def test_the_best_mix_is_the_prior_times_the_exponential_of_reward_over_tau() -> None:
    prior, reward, tau = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.1, 0.4, 0.2]), 0.2
    mixture = ExponentialWeights(prior, floor=0.0, tau=tau)
    assert torch.allclose(mixture.probabilities(), prior)
    for _ in range(300):  # so many that neither memory nor prior counts matter
        mixture.update(torch.arange(3).repeat(1000), reward.repeat(1000))
    best = prior * torch.exp(reward / tau)
    assert torch.allclose(mixture.probabilities(), best / best.sum(), atol=1e-3)

    def value(pi: torch.Tensor) -> float:
        return float((pi * reward).sum() - tau * (pi * (pi / prior).log()).sum())

    rng = stream()
    for _ in range(100):
        other = torch.softmax(torch.randn(3, generator=rng), 0)
        assert value(other) <= value(mixture.probabilities()) + 1e-5


def test_few_samples_move_a_component_little_and_the_floor_keeps_every_one() -> None:
    often, seldom = (ExponentialWeights(torch.full((4,), 0.25), floor=0.3, tau=0.1) for _ in range(2))
    rows, reward = torch.tensor([0, 1, 2, 3]), torch.tensor([2.0, 1.0, 1.0, 1.0])
    often.update(rows.repeat(100), reward.repeat(100))
    seldom.update(rows, reward)
    assert 0.25 < seldom.probabilities()[0] < often.probabilities()[0]
    assert often.probabilities()[0] > 0.75
    assert torch.allclose(often.probabilities()[1:], torch.tensor(0.3 * 0.25), atol=1e-3)
