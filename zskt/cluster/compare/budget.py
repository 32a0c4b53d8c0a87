"""How many iterations fill a budget: measured by short trials of each method on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from zskt.errors import UserError

FIRST, MOST_TRIALS = 2, 3
"""Iterations of the first trial, and how many trials there are at most."""
SHARE, LEAST_SECONDS, MOST_SECONDS = 0.05, 3.0, 60.0
"""A trial is long enough when it takes this share of the budget, within these bounds."""
PATIENCE = 2.0
"""A trial is given up when it takes the budget so many times, and a minute."""
LONGEST = 10**8
"""Iterations that a trial's length is never above."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What each method may spend. None is no limit."""

    minutes: float | None = None
    """Of time in the method, see `zskt.experiments.cost`."""
    queries: int | None = None
    """Answers of the teacher."""

    def __post_init__(self) -> None:
        for name, value in (("--budget-minutes", self.minutes), ("--queries", self.queries)):
            if value is not None and not 0 < value < 1e12:
                raise UserError(f"{name} is {value}, but must be positive")

    @property
    def limits_nothing(self) -> bool:
        """Whether each method runs for as long as its recipe says."""
        return self.minutes is None and self.queries is None

    def to_dict(self) -> dict[str, Any]:
        """Return the limits, as JSON holds them."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a short run cost."""

    iterations: int
    seconds: float
    queries: float


def trial_seconds(budget: Budget) -> float:
    """Return how long a trial has to be."""
    share = 0.0 if budget.minutes is None else SHARE * 60 * budget.minutes
    return min(max(share, LEAST_SECONDS), MOST_SECONDS)


def longest_trial(budget: Budget) -> float | None:
    """Return the seconds after which a trial is given up: the method cannot do anything within its budget."""
    return None if budget.minutes is None else PATIENCE * 60 * budget.minutes + 60


def measure(run: Callable[[int], Trial], budget: Budget, warmup: int = 0) -> list[Trial]:
    """Run ever longer trials until one is long enough: two at least, as the first iteration may cost more than others.

    Args:
        run: runs so many iterations.
        warmup: iterations at the beginning that cost less than later ones: all trials end behind them.
    """
    wanted, trials = trial_seconds(budget), [run(FIRST + warmup)]
    while len(trials) < MOST_TRIALS and (trials[-1].seconds < wanted / 2 or len(trials) < 2):
        _, each = _line(trials, "seconds")
        more = max(int((wanted - trials[-1].seconds) / max(each, 1e-6)), FIRST)
        trials.append(run(min(trials[-1].iterations + more, 100 * trials[-1].iterations, LONGEST)))
    return trials


def length_of(trials: Sequence[Trial], budget: Budget) -> int | None:
    """Return the number of iterations that fill the budget, at least 1: cost is taken to be a + b iterations.

    None is as many as the recipe has: iterations do not use what is limited.
    """
    limits = {"seconds": None if budget.minutes is None else 60 * budget.minutes, "queries": budget.queries}
    lengths = []
    for cost, limit in limits.items():
        begin, each = _line(trials, cost)
        if limit is not None and each > 0:
            lengths.append(int(max(limit - begin, 0.0) / each))
    return max(min(lengths), 1) if lengths else None


def _line(trials: Sequence[Trial], cost: str) -> tuple[float, float]:
    """Return what a run costs before its first iteration, and what each costs, from the last two trials.

    The first is negative for a method whose warm-up costs less than its later iterations.
    """
    last: float = getattr(trials[-1], cost)
    if len(trials) > 1:
        before, more = trials[-2], trials[-1].iterations - trials[-2].iterations
        each = (last - getattr(before, cost)) / more
        if each > 0 or cost == "queries":
            return last - each * trials[-1].iterations, each
    return 0.0, last / trials[-1].iterations
