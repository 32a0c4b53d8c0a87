"""Signals that ask a process to end: Ctrl-C, a batch system that takes a machine away, a terminal that is closed.

Three times of a run are three answers. While it loads, and behind its last iteration, nothing would be lost: it ends at
once, with a line and without unwinding, as an exception in the middle of somebody's import ends in a traceback. In its
loop it finishes the iteration and saves; a second signal ends it at once. A mode that looks after other processes is
unwound by an exception, so that these can save. The exit code is 128 and the number of the signal, as shells have it:
143 of SIGTERM, 130 of Ctrl-C. Nothing here imports torch.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from zskt.storage.run_files import LOCK_OWNER, has_checkpoint
from zskt.terminal import printable

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
    if hasattr(signal, name)
)
"""Slurm sends SIGTERM, and before it whatever ``--signal`` names, often SIGUSR1; HTCondor SIGTERM, or ``kill_sig``; a
limit of processor time SIGXCPU; a terminal that is closed SIGHUP, unless nohup makes a process deaf to it."""
HANG_UP = getattr(signal, "SIGHUP", None)
PARENT = "ZSKT_PARENT"
"""Variable of the environment with the number of the process that a run must not outlive, set by `zskt.cluster`."""


class Interrupted(KeyboardInterrupt):
    """A signal asks this process to end.

    Args:
        number: the signal.
        folder: of the run that was interrupted, which can go on.
    """

    def __init__(self, number: int, folder: Path | None = None) -> None:
        super().__init__(number, folder)
        self.number, self.folder = number, folder


class _Process:
    """What this process works on, for its last words."""

    folder: Path | None = None
    is_silent: bool = False
    is_command: bool = False
    """Whether it is a command of a shell, and nothing else of the user's lives in it."""


def exit_code(number: int) -> int:
    """Return the exit code of a process that a signal ended, as shells have it."""
    return 128 + number


def ended_by(number: int) -> str:
    """Say which signal ended a process; Ctrl-C, which needs no explanation, is none."""
    return "interrupted" if number == signal.SIGINT else f"interrupted by {signal.Signals(number).name}"


def how_to_go_on(folder: Path | None) -> str:
    """Return what to do with a run that was stopped, the end of a line; nothing is lost of one without checkpoint."""
    if folder is None or not has_checkpoint(folder):
        return "nothing was begun yet; start the same command again"
    return f"continue with the same command and --resume --out {shlex.quote(str(folder))}"


@contextlib.contextmanager
def working_in(folder: Path, *, speaks: bool = True) -> Iterator[None]:
    """While entered, a run in this folder is what the process works on: its last words name it.

    Args:
        speaks: whether this process is the one of several that prints.
    """
    before = _Process.folder, _Process.is_silent
    _Process.folder, _Process.is_silent = folder, not speaks
    try:
        yield
    finally:
        _Process.folder, _Process.is_silent = before


@contextlib.contextmanager
def as_command() -> Iterator[None]:
    """While entered, this process is a command: a second signal ends it. The kernel of a notebook is none."""
    before, _Process.is_command = _Process.is_command, True
    try:
        yield
    finally:
        _Process.is_command = before


def end_at_once(number: int, folder: Path | None = None) -> None:
    """End this process now, with one line: nothing is unwound, and what was saved is whole."""
    if _Process.folder is not None:
        folder = _Process.folder
        with contextlib.suppress(OSError):  # the next machine need not wait until the lock is stale
            (folder / LOCK_OWNER).unlink(missing_ok=True)
    if not _Process.is_silent:
        line = printable(f"zskt: {ended_by(number)}; {how_to_go_on(folder)}") + "\n"
        with contextlib.suppress(OSError):
            os.write(2, line.encode())  # a stream of Python's may be in the middle of another line
    os._exit(exit_code(number))


def _leave_dead_terminal(terminals: frozenset[int]) -> None:
    """Write to nowhere what would go to a terminal that is gone: an error there would end the run before it has saved.

    Args:
        terminals: standard streams that were a terminal.
    """
    for stream in terminals:
        if not os.isatty(stream):
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, stream)
            os.close(nowhere)


def _terminals() -> frozenset[int]:
    return frozenset(stream for stream in (0, 1, 2) if os.isatty(stream))


@contextlib.contextmanager
def handled(answer: Callable[[int], None], *, hears_ignored: bool = False) -> Iterator[None]:
    """While entered, call a function with the number of each signal of `SIGNALS`; in the main thread alone.

    Args:
        hears_ignored: whether Ctrl-C is heard by a process that a shell has made deaf to it, as it does with those in
            the background. A SIGHUP that is ignored, by nohup, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():  # Python delivers signals there alone
        yield
        return
    terminals = _terminals()

    def heard(number: int, frame: FrameType | None) -> None:
        if number == HANG_UP:
            _leave_dead_terminal(terminals)
        answer(number)

    before = {}
    try:
        for number in SIGNALS:
            is_ignored = signal.getsignal(number) == signal.SIG_IGN
            if not is_ignored or (hears_ignored and number != HANG_UP):
                before[number] = signal.signal(number, heard)
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, signal.SIG_DFL if previous is None else previous)


class Interruption:
    """While entered, the first signal asks the loop to stop after its iteration; a second one ends the process.

    Outside of the command line, as in a notebook, the second one raises `Interrupted`.

    A checkpoint is of a whole iteration or of none.
    """

    def __init__(self) -> None:
        self._number = 0
        self._parent = int(os.environ.get(PARENT, 0))
        self._handling = handled(self._note, hears_ignored=True)

    @property
    def requested(self) -> int:
        """The signal by which the loop is asked to stop; 0 without.

        A run whose worker is gone stops as by Ctrl-C: somebody else will go on.
        """
        lost = self._parent != 0 and os.getppid() != self._parent
        return self._number or (int(signal.SIGINT) if lost else 0)

    def _note(self, number: int) -> None:
        if self._number and _Process.is_command:
            end_at_once(number)
        elif self._number:
            raise Interrupted(number)
        self._number = number

    def __enter__(self) -> Interruption:
        self._handling.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._handling.__exit__(None, None, None)
