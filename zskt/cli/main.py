"""The entry of the command line: parse, check what needs no network, run the mode, turn errors into one line."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from zskt.cli.listing import list_names
from zskt.cli.names import is_stale, names_of, read_names, require_names
from zskt.cli.parser import parse
from zskt.cli.view_command import view
from zskt.errors import FolderInUse, NonFiniteLoss, RankLost, UserError
from zskt.experiments.interrupt import Interrupted, as_command, end_at_once, ended_by, exit_code, handled, how_to_go_on
from zskt.parallel.ranks import announced, left_in_disorder, muted, tell
from zskt.storage.trust import trusted
from zskt.terminal import PrintableStream

if TYPE_CHECKING:
    from zskt.experiments.catalog import Catalog

IN_USE = 75
"""Exit code where another process holds the run folder: EX_TEMPFAIL of sysexits.h."""
SHARED_MODES = ("zero-shot", "compress", "kd", "few-shot", "teacher")
"""What several processes, started by torchrun, do together."""
UNWOUND_MODES = ("sweep", "compare", "answers", "paper", "simulate", "view")
"""What looks after other processes, or files half written: a signal is an exception there, and ends nothing at once."""


def main(arguments: list[str], catalog: Callable[[], Catalog]) -> int:
    """Run the command line; of several processes of one run the first one prints.

    Args:
        catalog: makes the catalogue, when a mode needs it.

    Returns:
        the exit code: 0, 1 for a run that diverged or lost one of its processes, 2 for a user's mistake, 75 where
        another process is at work, 128 and the number of the signal for an interruption.
    """
    with muted(), contextlib.redirect_stdout(PrintableStream(sys.stdout)):
        code = _run(arguments, catalog)
        if left_in_disorder():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return code


def _run(arguments: list[str], catalog: Callable[[], Catalog]) -> int:
    flags = parse(arguments)
    signals = _Signals(flags)
    with as_command(), handled(signals.answer):
        try:
            _work(flags, catalog, signals)
        except KeyboardInterrupt as error:
            return _interrupted(flags, error)
        except Exception as error:
            if signals.heard:  # on its way through a library the interruption became another error
                return _interrupted(flags, Interrupted(signals.heard))
            return _failed(flags, error)
    return 0


class _Signals:
    """What a signal does that asks the process to end, outside of the loop of a run, which answers by itself."""

    def __init__(self, flags: argparse.Namespace) -> None:
        self.flags, self.unwinds, self.heard = flags, False, 0

    def answer(self, number: int) -> None:
        """End the process at once, unless others hang on it."""
        self.heard = number
        if not self.unwinds:
            end_at_once(number, _folder(self.flags))
        raise Interrupted(number)


def _work(flags: argparse.Namespace, catalog: Callable[[], Catalog], signals: _Signals) -> None:
    """Check what needs no network, and run the mode."""
    if announced().size > 1 and flags.mode not in SHARED_MODES:
        raise UserError(f"--mode {flags.mode} is the work of one process: start it without torchrun")
    if flags.mode == "list":
        print(list_names(names_of(catalog()) if is_stale() else read_names(), flags.words))
        return
    signals.unwinds = flags.mode in UNWOUND_MODES
    if flags.mode == "view":
        view(flags, catalog)
        return
    require_names(flags)
    from zskt.cli.commands import COMMANDS  # after what needs no torch

    known = catalog()
    with trusted(flags.trust_teacher):
        COMMANDS[flags.mode](flags, known)


def _folder(flags: argparse.Namespace) -> Path | None:
    """Return the run folder that the user named, if the mode has one."""
    out: Path | None = flags.out if flags.mode in SHARED_MODES else None
    return out


def _failed(flags: argparse.Namespace, error: Exception) -> int:
    """Tell of an error in one line, and return its exit code; one of ours is raised again."""
    if isinstance(error, UserError):
        tell(f"zskt: {error}")
        return IN_USE if isinstance(error, FolderInUse) else 2
    if isinstance(error, RankLost):
        out = "RUN_FOLDER" if flags.out is None else shlex.quote(str(flags.out))
        tell(f"zskt: {error}; continue with the same command and --resume --out {out}", of_others=True)
        return 1
    if isinstance(error, NonFiniteLoss):
        tell(f"zskt: stopped at {error}")
        return 1
    if isinstance(error, BrokenPipeError):  # the reader of a pipe, such as head, has seen enough
        sys.stderr.close()
        return 0
    if isinstance(error, OSError):
        where = error.filename2 or error.filename or flags.out  # of a copy the second is what could not be written
        place = "" if where is None else f"{where}: "
        tell(f"zskt: {place}{error.strerror or error}; mend that, or choose another --out")
        return 2
    raise error


def _interrupted(flags: argparse.Namespace, error: KeyboardInterrupt) -> int:
    """Tell how to go on after a signal, and return its exit code."""
    number, folder = (error.number, error.folder) if isinstance(error, Interrupted) else (int(signal.SIGINT), None)
    advice = how_to_go_on(folder or _folder(flags))
    if flags.mode in UNWOUND_MODES:
        goes_on = flags.mode != "simulate"
        advice = "the same command goes on" if goes_on else "nothing was written; start the same command again"
    tell(f"zskt: {ended_by(number)}; {advice}")
    return exit_code(number)
