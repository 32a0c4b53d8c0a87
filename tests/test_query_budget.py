"""A budget of queries: exact, whoever asks, and never exceeded by one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from zskt.errors import UserError
from zskt.experiments.query_ledger import QueryLedger, noted
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


def test_the_form_of_a_teacher_that_kept_its_normalisations_is_counted_too() -> None:
    teacher, before, meter = nn.Identity(), nn.Identity(), QueryMeter(5)
    teacher.before_folding = (before,)
    with meter.on(teacher):
        teacher(torch.zeros(2, 1))
        before(torch.zeros(3, 1))
        with pytest.raises(BudgetSpent):
            before(torch.zeros(1, 1))
    before(torch.zeros(9, 1))
    assert meter.asked == 5 and "replayable" not in vars(before)


def test_queries_are_noted_before_they_are_asked(tmp_path: Path) -> None:
    path, meter = tmp_path / "queries.json", QueryMeter(500)
    meter.ledger = QueryLedger(path, 500)
    seen: list[int] = []

    class Teacher(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(noted(path))
            return x

    with meter.on(teacher := Teacher()):
        for count in (3, 2, 4, 490):
            teacher(torch.zeros(count, 1))
    assert seen == [8, 8, 14, 500]  # a hundredth of the budget is set aside
    assert noted(path) == 500 and noted(tmp_path / "none.json") == 0
    meter.settle()
    assert noted(path) == meter.asked == 499
    assert QueryLedger(path, 500).noted == 499
