"""How far a run is: a bar where standard error is a terminal, a line now and then elsewhere.

The bar is drawn by this process alone, without a thread beside it, and never hides the cursor: whatever ends the
process leaves the terminal as it was.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from zskt.markdown import integer
from zskt.terminal import note, printable

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

LINE_SECONDS, BAR_SECONDS = 60.0, 0.2
"""Seconds from one line to the next, and from one drawing of the bar to the next."""
SHOWN = {
    "loss/student": ("loss", "the student's loss on pseudo-samples"),
    "agreement/pseudo": ("agreement", "share of pseudo-samples on which the student has the teacher's top class"),
    "test/agreement": ("on test samples", "the same on samples that nobody learns from"),
    "accuracy/training": ("accuracy", "share of training samples whose label is the network's top class"),
}
"""Metric -> its name beside the bar, and what it is."""
QUERIES = "samples that the teacher was asked about"


def duration(seconds: float) -> str:
    """Write a time as people say it: "40 s", "12 min", "3 h 05 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


class Progress:
    """The progress of a run, from `begin` to its last iteration.

    Args:
        name: what is shown of the run.
        total: its iterations.
        step: the iteration after which it goes on.
        terminal: where a bar is drawn; None for lines on standard error.
        clock: tells seconds.
    """

    def __init__(
        self,
        name: str,
        total: int,
        step: int = 0,
        terminal: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.total, self.first, self.clock = printable(name), total, step, clock
        self.begun = self.told = clock()
        self.latest: dict[str, float] = {}
        self.bar = None if terminal is None else _bar(terminal)
        self.task: Any = None

    def __enter__(self) -> Self:
        if self.bar is None:
            note(f"{self.name}: iteration {self.first} of {self.total}")
            return self
        self.task = self.bar.add_task(self.name, total=self.total, completed=self.first, figures="", left="")
        with contextlib.suppress(OSError):
            self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.bar is not None:
            with contextlib.suppress(OSError):
                self.bar.refresh()
                self.bar.stop()

    def update(self, step: int, metrics: Mapping[str, float | None], queries: float = 0) -> None:
        """Show an iteration, if the last that was shown is some time ago.

        Args:
            queries: samples that the teacher was asked about so far.
        """
        new = [name for name in SHOWN if metrics.get(name) is not None and name not in self.latest]
        self.latest |= {name: value for name, value in metrics.items() if name in SHOWN and value is not None}
        now = self.clock()
        if self.bar is not None and new:
            self._explain(new)
        if step < self.total and now - self.told < (LINE_SECONDS if self.bar is None else BAR_SECONDS):
            return
        self.told = now
        figures, left = self._figures(queries), self._left(step, now)
        if self.bar is None:
            if step < self.total:
                note(f"{self.name}: iteration {step} of {self.total}{figures and ', '}{figures}, about {left} left")
            return
        with contextlib.suppress(OSError):
            self.bar.update(self.task, completed=step, figures=figures, left=f"about {left} left")
            self.bar.refresh()

    def _figures(self, queries: float) -> str:
        words = [f"{SHOWN[name][0]} {self.latest[name]:.3f}" for name in SHOWN if name in self.latest]
        return ", ".join([*words, *([f"queries {integer(int(queries))}"] if queries else [])])

    def _left(self, step: int, now: float) -> str:
        return duration((now - self.begun) * (self.total - step) / max(step - self.first, 1))

    def _explain(self, names: list[str]) -> None:
        """Say above the bar what the words beside it mean, the first time that they come."""
        assert self.bar is not None
        with contextlib.suppress(OSError):
            for name in names:
                self.bar.console.print(f"{SHOWN[name][0]}: {SHOWN[name][1]}", style="dim", markup=False)
            if "loss/student" in names:
                self.bar.console.print(f"queries: {QUERIES}", style="dim", markup=False)


def _bar(terminal: TextIO) -> Bar:
    """Return a bar of rich that is drawn when it is told to."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    class Cursored(Console):
        """A console that leaves the cursor where it is seen: a process that is killed could not bring it back."""

        def show_cursor(self, show: bool = True) -> bool:
            return False

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
    )
    # Lines for standard output go there, whoever reads it; those for standard error are written above the bar.
    return Progress(*columns, console=Cursored(file=terminal), auto_refresh=False, redirect_stdout=False)


def terminal_of_errors() -> TextIO | None:
    """Return standard error where it is a terminal."""
    return sys.stderr if sys.stderr.isatty() else None
