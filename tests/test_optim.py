"""Schedules, and steps that refuse a gradient that is not finite."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from zskt.errors import NonFiniteLoss
from zskt.optim import StudentSchedule, cosine, step, step_decay


def test_cosine_falls_from_one_to_zero() -> None:
    assert cosine(0, 10) == 1 and cosine(5, 10) == pytest.approx(0.5) and cosine(10, 10) == pytest.approx(0)


def test_step_decay_divides_by_five_three_times() -> None:
    factors = [step_decay(i, 10) for i in (0, 2, 3, 5, 6, 7, 8, 9)]
    assert factors == pytest.approx([1, 1, 0.2, 0.2, 0.04, 0.04, 0.008, 0.008])


@pytest.mark.parametrize("growth", [0.0, 1.0, 2.0])
def test_student_steps_grow_and_keep_their_number(growth: float) -> None:
    schedule = StudentSchedule(iterations=20, student_steps=3, lr=1.0, growth=growth)
    steps = [schedule.steps_until(i + 1) - schedule.steps_until(i) for i in range(20)]
    assert sum(steps) == 60
    assert sum(steps[:10]) == pytest.approx(60 * 0.5 ** (growth + 1), abs=1)
    if growth == 0:
        assert steps == [3] * 20


def test_the_students_rate_rises_to_the_cosine() -> None:
    cold, warm = (StudentSchedule(iterations=10, student_steps=2, lr=0.1, warmup=share) for share in (0.0, 0.5))
    assert cold.rate(0, 2) == 0.1 and cold.rate(10, 12) == pytest.approx(0.05)
    factors = [warm.rate(i, i + 2) / cold.rate(i, i + 2) for i in range(0, 20, 2)]
    assert factors == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1, 1, 1])


def test_clipping_bounds_the_norm_of_the_step() -> None:
    weight = nn.Parameter(torch.zeros(3))
    step((1000 * weight).sum(), torch.optim.SGD([weight], lr=1.0), max_grad_norm=5.0)
    assert weight.norm().item() == pytest.approx(5.0, rel=1e-4)
    step((1000 * weight).sum(), torch.optim.SGD([weight], lr=1.0))
    assert weight.norm().item() > 1000


def test_a_step_gives_gradients_to_no_other_parameters() -> None:
    mine, other = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    step((mine * other).sum(), torch.optim.SGD([mine], lr=0.5))
    assert mine.item() == 0.5 and other.grad is None and other.item() == 1


def test_a_gradient_that_is_not_finite_changes_nothing() -> None:
    weight = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    with pytest.raises(NonFiniteLoss, match="norm of the gradient is"):
        step(weight.sqrt().sum(), optimizer)
    with pytest.raises(NonFiniteLoss, match="norm of the gradient is nan"):
        step((weight * math.nan).sum(), optimizer)
    assert torch.equal(weight, torch.zeros(2))
