"""The table of states: what waits, what runs and how far it is, what is done, what failed and why; kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from zskt.storage.files import write_json

SCHEMA = 1
TABLE = "sweep.json"
"""File in which the table is kept."""


class Phase(StrEnum):
    """Where a run stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class State:
    """The state of one run."""

    total: int
    """Iterations of the run, or shards of a task."""
    phase: Phase = Phase.WAITING
    done: int = 0
    worker: str = ""
    """Who is at work on it, or was last."""
    metric: str = ""
    """Name of the main metric of a run that is done."""
    value: float | None = None
    why: str = ""
    """Why it failed, in one line."""

    def line(self) -> str:
        """Say it in words."""
        if self.phase == Phase.RUNNING:
            return f"running {self.done} of {self.total}"
        if self.phase == Phase.DONE and self.value is not None:
            return f"done, {self.metric} {self.value:.4f}"
        return f"failed: {self.why}" if self.phase == Phase.FAILED else str(self.phase)


class Board:
    """The states of all runs, printed as they change and kept in a file.

    Args:
        path: of the file; None keeps none.
    """

    def __init__(self, states: Mapping[str, State], path: Path | None) -> None:
        self.states, self.path = dict(states), path
        self._shown: dict[str, str] = {}
        self._width = max(map(len, self.states), default=0)

    def counts(self) -> str:
        """Return how many runs are in each phase."""
        phases = [state.phase for state in self.states.values()]
        return ", ".join(f"{phases.count(phase)} {phase}" for phase in Phase)

    def row(self, name: str) -> str:
        """Return the row of a run."""
        return f"{name:<{self._width}}  {self.states[name].line()}"

    def show(self, *, progress: bool = True) -> None:
        """Print the rows that have changed, and how many runs are in each phase; keep the file.

        Args:
            progress: print runs, too, that have only got further.
        """
        changed = []
        for name, state in self.states.items():
            line = state.line() if progress or state.phase != Phase.RUNNING else str(state.phase)
            if self._shown.get(name, "") != line and (self._shown or state.phase != Phase.WAITING):
                changed.append(name)
            self._shown[name] = line
        if changed:
            rows = [self.row(name) for name in changed]
            print("\n".join([*rows, self.counts()]), flush=True)
        self.keep()

    def keep(self) -> None:
        """Write the file."""
        if self.path is not None:
            runs = {name: asdict(state) for name, state in self.states.items()}
            write_json(self.path, {"schema": SCHEMA, "runs": runs})

    def table(self) -> str:
        """Return all rows."""
        return "\n".join([*map(self.row, self.states), self.counts()])


def main_metric(result: Mapping[str, Any]) -> tuple[str, float | None]:
    """Return name and value of what a finished run is judged by: agreement with its teacher, else accuracy."""
    student = result.get("student", {})
    for name in ("agreement", "accuracy"):
        if student.get(name) is not None:
            return name, float(student[name])
    return "", None
