"""Exponential weights over components."""

from __future__ import annotations

import torch

from generators.jets.process_mixture import ClassesOfComponents, ExponentialWeights
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


def test_classes_are_learned_of_components_and_inverted() -> None:
    classes, mix = ClassesOfComponents(2, 3), torch.tensor([0.5, 0.25, 0.25])
    assert torch.allclose(classes.probabilities(mix), mix.expand(2, 3))  # nothing is known
    component = torch.tensor([0] * 8 + [1] * 8 + [2] * 8)
    beliefs = torch.tensor([[0.75, 0.25]] * 8 + [[0.0, 1.0]] * 8 + [[0.5, 0.5]] * 8)
    classes.learn(component, beliefs)
    # 8 answers and one that says nothing: (8 * 0.75 + 0.5) / 9, 0.5 / 9, 0.5
    likelihood = torch.tensor([6.5 / 9, 0.5 / 9, 0.5])
    assert torch.allclose(classes.likelihood()[0], likelihood) and torch.allclose(
        classes.likelihood().sum(0), torch.ones(3)
    )
    expected = likelihood * mix
    assert torch.allclose(classes.probabilities(mix)[0], expected / expected.sum())
