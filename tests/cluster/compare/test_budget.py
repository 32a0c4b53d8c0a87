"""Budgets: trials become long enough, and a budget becomes a number of iterations."""

from __future__ import annotations

import pytest

from zskt.cluster.compare.budget import FIRST, Budget, Trial, length_of, measure, trial_seconds
from zskt.errors import UserError


def trial(iterations: int, seconds: float, queries: float) -> Trial:
    return Trial(iterations=iterations, seconds=seconds, queries=queries)


TWO = [trial(4, 14.0, 1400), trial(24, 34.0, 3400)]
"""Ten seconds and 1 000 queries to begin with, one second and 100 queries an iteration."""


@pytest.mark.parametrize(
    ("budget", "length"),
    [
        (Budget(minutes=2), 110),
        (Budget(queries=5000), 40),
        (Budget(queries=5099), 40),
        (Budget(minutes=2, queries=5000), 40),
        (Budget(minutes=0.5, queries=50_000), 20),
        (Budget(minutes=0.1), 1),  # preparation alone takes more
    ],
)
def test_the_line_through_two_trials_fills_the_budget(budget: Budget, length: int) -> None:
    assert length_of(TWO, budget) == length


def test_a_single_trial_is_taken_in_proportion() -> None:
    assert length_of([trial(4, 8.0, 512)], Budget(minutes=1)) == 30


def test_trials_grow_until_one_is_long_enough() -> None:
    asked: list[int] = []

    def run(iterations: int) -> Trial:
        asked.append(iterations)
        return trial(iterations, 1.0 + 0.1 * iterations, 0)

    trials = measure(run, Budget(minutes=10))  # wants trials of 30 seconds
    assert asked[0] == FIRST and trials[-1].seconds >= 15 and len(asked) <= 3
    assert length_of(trials, Budget(minutes=10)) == pytest.approx(5990, abs=2)


def test_a_first_iteration_that_costs_more_is_told_from_the_others() -> None:
    trials = measure(lambda n: trial(n, 44.0 + 3.0 * n, 0), Budget(minutes=20))
    assert [each.iterations for each in trials] == [FIRST, 2 * FIRST]
    assert length_of(trials, Budget(minutes=20)) == (1200 - 44) // 3


def test_what_a_warm_up_costs_is_not_taken_for_what_learning_costs() -> None:
    asked: list[int] = []

    def run(iterations: int) -> Trial:
        asked.append(iterations)
        return trial(iterations, min(iterations, 12) * 4.0 + max(iterations - 12, 0) * 19.0, 0)

    trials = measure(run, Budget(minutes=20), warmup=12)
    assert asked == [12 + FIRST, 12 + 2 * FIRST]
    assert length_of(trials, Budget(minutes=20)) == 12 + (1200 - 48) // 19


@pytest.mark.parametrize(("minutes", "seconds"), [(None, 3.0), (0.1, 3.0), (5, 15.0), (200, 60.0)])
def test_how_long_a_trial_is(minutes: float | None, seconds: float) -> None:
    assert trial_seconds(Budget(minutes=minutes)) == seconds


def test_budgets_are_positive() -> None:
    assert Budget().limits_nothing and not Budget(queries=1).limits_nothing
    with pytest.raises(UserError, match="--queries is 0, but must be positive"):
        Budget(queries=0)
    with pytest.raises(UserError, match="--budget-minutes is -1"):
        Budget(minutes=-1)
