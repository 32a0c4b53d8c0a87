"""Shards of answers on a cluster: each task is a child process that makes a few of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zskt.cluster.conduct import conduct
from zskt.cluster.engines import connect
from zskt.cluster.jobs import Job
from zskt.cluster.states import Board, Phase, State
from zskt.cluster.sweep import LOGS, Machines
from zskt.errors import UserError
from zskt.shards import Manifest, is_whole, shard_path
from zskt.storage.folder_lock import FolderLock

TASKS_PER_WORKER = 4
"""Tasks are as few as keep all workers busy to the end: each child has to load the teacher."""
TABLE = "shards.json"


@dataclass(kw_only=True)
class ShardJob(Job):
    """A few shards of a folder; done ones are skipped when it begins again."""

    manifest: Manifest
    shards: tuple[int, ...]

    def _left(self) -> list[int]:
        return [i for i in self.shards if not is_whole(shard_path(self.folder, i), self.manifest, i)]

    def is_done(self) -> bool:
        """Whether all shards are there."""
        return not self._left()

    def was_overtaken(self) -> bool:
        """Shards are files of their own: nobody is in the way."""
        return False

    def progress(self) -> int:
        """Return how many shards are there."""
        return sum(shard_path(self.folder, i).is_file() for i in self.shards)

    def saved(self) -> float:
        """Return what grows when work is saved."""
        return float(self.progress())

    def command(self) -> list[str]:
        """Return the command that makes the shards that are missing."""
        shards = ["--shard", *map(str, self._left())]
        return [*self.python, *self.arguments, "--out", str(self.folder), *shards]


def groups(missing: Sequence[int], workers: int) -> list[tuple[int, ...]]:
    """Divide shards among tasks, neighbours together."""
    size = -(-len(missing) // (TASKS_PER_WORKER * workers))
    return [tuple(missing[i : i + size]) for i in range(0, len(missing), size)]


def make_on_cluster(
    out: Path, manifest: Manifest, missing: Sequence[int], arguments: Sequence[str], machines: Machines
) -> None:
    """Make shards on a cluster.

    Raises:
        UserError: if some could not be made.
        FolderInUse: if another process does so.
    """
    with FolderLock(out):
        jobs = {}
        for shards in groups(missing, machines.workers):
            name = f"shards-{shards[0]:06d}-{shards[-1]:06d}"
            jobs[name] = ShardJob(
                name=name,
                folder=out.absolute(),
                arguments=tuple(arguments),
                manifest=manifest,
                shards=shards,
                **machines.of_job(name, out),
            )
        board = Board({name: State(len(job.shards)) for name, job in jobs.items()}, out / TABLE)
        with connect(machines.kind, machines.site, machines.workers, out / LOGS) as client:
            has_slots = not machines.kind.startswith("tcp://")
            conduct(client, jobs, board, {}, lambda _: None, at_once=machines.workers, has_slots=has_slots)
    failed = [f"{name}: {state.why}" for name, state in board.states.items() if state.phase == Phase.FAILED]
    if failed:
        raise UserError(f"{failed[0]} ({len(failed)} of {len(jobs)} tasks failed); the same command goes on")
