"""The processes of one run: torchrun numbers them, ranks 0 to N - 1; rank 0 writes, prints and draws for all of them.

Nothing here imports torch, so that a mistake in the command line is told at once, and once.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from zskt.terminal import printable


@dataclass(frozen=True)
class World:
    """Who this process is among those of its run."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    """Its number on its own machine, which is that of its GPU."""

    @property
    def leader(self) -> bool:
        """Whether this process writes, prints and draws for all."""
        return self.rank == 0


ALONE = World()


class _Process:
    """What this process knows of the others."""

    world: World = ALONE
    is_first: Callable[[], bool | None] | None = None
    """Asks whether no rank has told of an error yet; None before the ranks are joined."""
    stderr: TextIO | None = None
    """Where lines go that are told, while `muted` hides the rest."""


def announced() -> World:
    """Return what torchrun says in the environment; `ALONE` where nothing started this process as one of several."""
    place = os.environ
    if not {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= place.keys() or place["WORLD_SIZE"] == "1":
        return ALONE
    return World(int(place["RANK"]), int(place["WORLD_SIZE"]), int(place.get("LOCAL_RANK", place["RANK"])))


def world() -> World:
    """Return the ranks that `zskt.parallel.distributed.group` has joined; `ALONE` outside of it."""
    return _Process.world


def join(world: World, is_first: Callable[[], bool | None]) -> None:
    """Be one of several ranks from now on.

    Args:
        is_first: asks whether no rank has told of an error yet, and claims the telling; None if nobody knows any more.
    """
    _Process.world, _Process.is_first = world, is_first


def leave(*, in_order: bool = True) -> None:
    """Be alone again; after an error, who of all tells of it is still to be agreed."""
    _Process.world = ALONE
    if in_order:
        _Process.is_first = None


def left_in_disorder() -> bool:
    """Whether an error ended the run of several processes: whoever waits for the others now may wait for ever."""
    return _Process.world == ALONE and _Process.is_first is not None


def tell(line: str, *, of_others: bool = False) -> None:
    """Print one line of printable characters to standard error, unless another rank has told of what ended the run.

    Args:
        of_others: whether the line tells that another process has ended. If nobody knows who has told of what, that is
            printed everywhere, and what all run into by rank 0.
    """
    first = None if _Process.is_first is None else _Process.is_first()
    if first or (first is None and (announced().leader or of_others)):
        print(printable(line), file=_Process.stderr or sys.stderr, flush=True)


@contextlib.contextmanager
def muted() -> Iterator[None]:
    """Hide what is printed on every rank but the first; `tell` still prints."""
    if announced().size > 1:  # torch, not imported yet, would print stack traces when another process ends
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    if announced().leader:
        yield
        return
    _Process.stderr = sys.stderr
    try:
        with (
            Path(os.devnull).open("w") as nowhere,
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            yield
    finally:
        _Process.stderr = None
