"""Weights of a curriculum, against numbers by hand."""

from __future__ import annotations

import math

import pytest
import torch

from zskt.curriculum import THRESHOLD, UNIT, CurriculumKL, curriculum_weights
from zskt.forward import Output


def test_a_sample_without_loss_counts_whole_and_hard_ones_less_and_less() -> None:
    weights = curriculum_weights(torch.tensor([0.0, 2.0, 50.0]), torch.tensor(2.0))
    expected = [1.0, (1 + math.exp(-2)) / 2, (1 + math.exp(-2)) / (1 + math.exp(48))]
    assert weights.tolist() == pytest.approx(expected, rel=1e-5)
    later = curriculum_weights(torch.tensor([3.0]), torch.tensor(6.0))
    assert float(later) > float(curriculum_weights(torch.tensor([3.0]), torch.tensor(2.0)))


def test_the_loss_is_weighed_and_the_weights_have_no_gradient() -> None:
    teacher = torch.tensor([[0.75, 0.25], [0.5, 0.5]]).log()
    student = torch.tensor([[0.0, 0.0], [0.0, 0.0]], requires_grad=True)
    kl = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    weight = (1 + math.exp(-1)) / (1 + math.exp(kl - 1))
    loss = CurriculumKL().distance(Output(teacher, {THRESHOLD: torch.ones(2)}), Output(student))
    assert float(loss.detach()) == pytest.approx(weight * kl / 2, rel=1e-5)
    (gradient,) = torch.autograd.grad(loss, student)
    assert gradient[0].tolist() == pytest.approx([weight * -0.25 / 2, weight * 0.25 / 2], rel=1e-4)


def test_a_threshold_may_count_in_another_unit_than_nats() -> None:
    teacher, student = torch.tensor([[9.0, 0.0]]), torch.tensor([[0.0, 9.0]])
    loss = 9.0 * (1 - 2 / (1 + math.exp(9)))
    for unit in (1.0, loss):
        extras = {THRESHOLD: torch.ones(1), UNIT: torch.full((1,), unit)}
        weight = (1 + math.exp(-1)) / (1 + math.exp(loss / unit - 1))
        found = float(CurriculumKL().distance(Output(teacher, extras), Output(student)))
        assert found == pytest.approx(weight * loss, rel=1e-5)
