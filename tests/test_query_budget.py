"""A budget of queries: exact, whoever asks, and never exceeded by one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zskt.errors import UserError
from zskt.query_budget import BudgetSpent, QueryMeter


def test_a_question_that_would_exceed_the_budget_is_not_asked() -> None:
    asked: list[int] = []

    class Teacher(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            asked.append(len(x))
            return x

    teacher, meter = Teacher(), QueryMeter(10)
    with meter.on(teacher):
        teacher(torch.zeros(6, 2))
        assert meter.affordable(6) == 4 and meter.affordable(3) == 3 and not meter.ended
        with pytest.raises(BudgetSpent, match="6 of 10"):
            teacher(torch.zeros(5, 2))
        assert meter.ended and asked == [6]
        teacher(torch.zeros(4, 2))
        with meter.paused():
            teacher(torch.zeros(100, 2))
        assert meter.asked == 10 and asked == [6, 4, 100]
        with pytest.raises(BudgetSpent):
            teacher(torch.zeros(1, 2))
    teacher(torch.zeros(7, 2))  # afterwards it is free
    assert meter.asked == 10 and "replayable" not in vars(teacher)


def test_counting_goes_on_from_a_checkpoint_and_without_a_limit() -> None:
    first, second = QueryMeter(), QueryMeter()
    with first.on(teacher := nn.Linear(2, 2)):
        teacher(torch.zeros(3, 2))
    second.load_state_dict(first.state_dict())
    with second.on(teacher):
        teacher(torch.zeros(4, 2))
    assert second.asked == 7 and second.affordable(10**9) == 10**9
    with pytest.raises(UserError, match="queries is -1"):
        QueryMeter(-1)


def test_a_teacher_of_ones_own_mark_keeps_it() -> None:
    teacher = nn.Linear(2, 2)
    teacher.replayable = True  # type: ignore[assignment]
    with QueryMeter().on(teacher):
        assert not teacher.replayable
    assert teacher.replayable
