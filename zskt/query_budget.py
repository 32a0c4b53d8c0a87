"""The budget of queries: every sample that a teacher is asked about is counted before it is asked, whoever asks.

A hook on the teacher counts, so that no method can forget to, nor ask for one more than the budget allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from torch import Tensor, nn

from zskt.errors import UserError
from zskt.markdown import integer
from zskt.parallel.ranks import world


class BudgetSpent(Exception):
    """The next question would exceed the budget: it was not asked, and the run ends with the student that there is."""


MOST_LOST = 10
"""Of a budget, at most about one part in so many is lost when a run is killed."""


class Ledger(Protocol):
    """Notes queries before they are asked, so that a budget holds when a run is killed."""

    def reserve(self, asked: int, /) -> None: ...
    def settle(self, asked: int, /) -> None: ...


class QueryMeter:
    """A counter of queries with a limit; part of a run's state, so that a resumed run goes on counting.

    Args:
        limit: samples that the teacher may be asked about, of all ranks together; 0 for any number.
    """

    def __init__(self, limit: int = 0) -> None:
        if limit < 0:
            raise UserError(f"queries is {limit}, but must be at least 0, which is no limit")
        self.limit, self.asked, self.ended = limit, 0, False
        self._saved = 0  # what of it the latest checkpoint knows
        self.ledger: Ledger | None = None
        self._runs = True

    def affordable(self, count: int) -> int:
        """Return how many of ``count`` samples may still be asked about, as many on each rank."""
        left = min(count, self.limit - self.asked) if self.limit else count
        return left - left % world().size

    def require(self, count: int) -> None:
        """Raise `BudgetSpent` if ``count`` samples, of all ranks together, are more than are left."""
        if self.affordable(count) < count:
            self.ended = True
            raise BudgetSpent(f"{integer(self.asked)} of {integer(self.limit)} queries are spent")

    @contextmanager
    def on(self, teacher: nn.Module | None) -> Iterator[None]:
        """Count and limit what a teacher is asked, meanwhile; a CUDA graph would pass the counter by: none is made."""
        if teacher is None:
            yield
            return
        forms = _forms(teacher)
        before = [vars(form).get("replayable") for form in forms]
        for form in forms:
            form.replayable = False
        try:
            with self.counting(teacher):
                yield
        finally:
            for form, replayable in zip(forms, before, strict=True):
                del form.replayable
                if replayable is not None:
                    form.replayable = replayable

    @contextmanager
    def counting(self, teacher: nn.Module | None) -> Iterator[None]:
        """Do the same, where no CUDA graph asks: before a run begins, which may make its own."""

        def ask(_teacher: nn.Module, x: tuple[Tensor, ...]) -> None:
            if not self._runs:
                return
            count = len(x[0]) * world().size  # all ranks ask about as many
            self.require(count)
            if self.ledger is not None:
                self.ledger.reserve(self.asked + count)
            self.asked += count

        handles = [form.register_forward_pre_hook(ask) for form in _forms(teacher)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @property
    def needs_saving(self) -> bool:
        """Whether a kill would lose more than a tenth of the budget: what was asked since the latest checkpoint."""
        return bool(self.limit) and (self.asked - self._saved) * MOST_LOST > self.limit

    def settle(self) -> None:
        """Note what was asked, as a checkpoint now knows it."""
        self._saved = self.asked
        if self.ledger is not None:
            self.ledger.settle(self.asked)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let questions pass meanwhile that are none of the method's: those that judge its student."""
        self._runs = False
        try:
            yield
        finally:
            self._runs = True

    def state_dict(self) -> dict[str, Any]:
        """Return what was asked so far, and whether the budget has ended the run."""
        return {"asked": self.asked, "ended": self.ended}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on counting."""
        self.asked, self.ended = state["asked"], state["ended"]
        self._saved = self.asked


def _forms(teacher: nn.Module | None) -> list[Any]:
    """List what is asked: a method that looks at statistics asks the form that still has its normalisations."""
    return [] if teacher is None else [teacher, *getattr(teacher, "before_folding", ())]


METER = "queries"
"""Name of the meter among the parts of a run's state."""
