"""Mode ``sweep``: many runs, each in a folder of its own, on as many machines as there are, until all have ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zskt.cluster.conduct import conduct
from zskt.cluster.engines import ROOT, connect, require_dask
from zskt.cluster.jobs import Job
from zskt.cluster.plan import SweepRun
from zskt.cluster.site import Site
from zskt.cluster.states import TABLE, Board, Phase, State, main_metric
from zskt.errors import UserError
from zskt.experiments.config import RunConfig
from zskt.experiments.finished import require_same_config
from zskt.experiments.runner import require_same_files
from zskt.storage.files import read_json
from zskt.storage.folder_lock import FolderLock
from zskt.storage.run_files import RESULT

LOGS = "logs"
"""Folder, beside the runs', of what they and the batch system print."""
WORKERS = 2


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Where the runs of a sweep work."""

    kind: str = "local"
    site: Site = field(default_factory=Site)
    workers: int = WORKERS

    @property
    def threads(self) -> int:
        """Threads of each run: of this machine's cores its share."""
        return max((os.cpu_count() or 1) // self.workers, 1) if self.kind == "local" else self.site.threads

    @property
    def gpus(self) -> int:
        """GPUs among which the workers of a machine choose; a batch system that gives each its own has chosen."""
        return self.site.gpus if self.kind == "local" or self.site.processes > 1 else 0

    @property
    def python(self) -> tuple[str, ...]:
        """Command of the children, the same as ``python train.py``."""
        return (self.site.python or sys.executable, "-m", "zskt")

    @property
    def path(self) -> str:
        """PYTHONPATH of the children."""
        return os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))

    def of_job(self, name: str, out: Path) -> dict[str, Any]:
        """Return what all jobs in ``out`` are told of where they work: fields of `Job`."""
        log = (out / LOGS / f"{name}.log").absolute()
        fields = {"python": self.python, "path": self.path, "threads": self.threads, "gpus": self.gpus}
        return fields | {"cwd": str(Path.cwd()), "log": log}


def sweep(
    runs: Sequence[SweepRun],
    arguments: Callable[[SweepRun], Sequence[str]],
    config: Callable[[SweepRun], RunConfig],
    files: Callable[[SweepRun], Mapping[str, str | None]],
    out: Path,
    machines: Machines,
) -> Board:
    """Have all runs done that are not, and return the table of states.

    Args:
        arguments: of the command line of a run, without its folder.
        config: what a run will record, to compare with what is there.
        files: what it is given, of `zskt.experiments.runner.given_files`, to compare, too.
        out: folder of all runs.

    Raises:
        UserError: if a folder there holds another recipe's run, or another sweep is at work.
        FolderInUse: the same.
    """
    require_dask(machines.kind)
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out}: is a file; name a folder")
    out.mkdir(parents=True, exist_ok=True)
    with FolderLock(out):
        states = {run.name: _state(out / run.name, config(run), files(run)) for run in runs}
        board = Board(states, out / TABLE)
        jobs = {run.name: job(run.name, out, arguments(run), machines) for run in runs}
        if any(state.phase == Phase.WAITING for state in states.values()):
            board.show()
            needs = {run.name: run.needs for run in runs if run.needs is not None}
            with connect(machines.kind, machines.site, machines.workers, out / LOGS) as client:
                has_slots = not machines.kind.startswith("tcp://")
                conduct(
                    client,
                    jobs,
                    board,
                    needs,
                    lambda name: _score(board, out, name),
                    at_once=machines.workers,
                    has_slots=has_slots,
                )
        board.keep()
    return board


def job(name: str, out: Path, arguments: Sequence[str], machines: Machines) -> Job:
    """Make the job of a run."""
    return Job(name=name, folder=(out / name).absolute(), arguments=tuple(arguments), **machines.of_job(name, out))


def _state(folder: Path, planned: RunConfig, files: Mapping[str, str | None]) -> State:
    """Return the state in which a sweep finds a run."""
    require_same_config(folder, planned)
    require_same_files(folder, files)
    state = State(planned.settings.iterations)
    if (folder / RESULT).is_file():
        state.phase, state.done = Phase.DONE, state.total
        state.metric, state.value = main_metric(read_json(folder / RESULT))
    return state


def _score(board: Board, out: Path, name: str) -> None:
    """Put a finished run's main metric into the table."""
    state = board.states[name]
    state.metric, state.value = main_metric(read_json(out / name / RESULT))
