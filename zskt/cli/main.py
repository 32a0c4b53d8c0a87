"""The entry of the command line: parse, check what needs no network, run the mode, turn errors into one line."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from zskt.cli.names import is_stale, list_names, names_of, read_names, require_names
from zskt.cli.parser import parse
from zskt.errors import FolderInUse, NonFiniteLoss, RankLost, UserError
from zskt.parallel.ranks import announced, left_in_disorder, muted, tell
from zskt.terminal import PrintableStream
from zskt.trust import trusted

if TYPE_CHECKING:
    from zskt.experiments.catalog import Catalog

IN_USE = 75
"""Exit code where another process holds the run folder: EX_TEMPFAIL of sysexits.h."""
SHARED_MODES = ("zero-shot", "kd", "few-shot", "teacher")
"""What several processes, started by torchrun, do together."""


def main(arguments: list[str], catalog: Callable[[], Catalog]) -> int:
    """Run the command line; of several processes of one run the first one prints.

    Args:
        catalog: makes the catalogue, when a mode needs it.

    Returns:
        the exit code: 0, 1 for a run that diverged or lost one of its processes, 2 for a user's mistake, 75 where
        another process is at work, 130 for an interruption.
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
    try:
        if announced().size > 1 and flags.mode not in SHARED_MODES:
            raise UserError(f"--mode {flags.mode} is the work of one process: start it without torchrun")
        if flags.mode == "list":
            print(list_names(names_of(catalog()) if is_stale() else read_names()))
            return 0
        require_names(flags)
        from zskt.cli.commands import COMMANDS  # after what needs no torch

        with trusted(flags.trust_teacher):
            COMMANDS[flags.mode](flags, catalog())
    except UserError as error:
        tell(f"zskt: {error}")
        return IN_USE if isinstance(error, FolderInUse) else 2
    except RankLost as error:
        out = flags.out or "RUN_FOLDER"
        tell(f"zskt: {error}; continue with the same command and --resume --out {out}", of_others=True)
        return 1
    except NonFiniteLoss as error:
        tell(f"zskt: stopped at {error}; no step was taken on it")
        return 1
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        sys.stderr.close()
        return 0
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        tell(f"zskt: {where}{error.strerror or error}; mend that, or choose another --out")
        return 2
    except KeyboardInterrupt as error:
        folder = error.args[0] if error.args else "RUN_FOLDER"
        tell(f"zskt: interrupted; continue with the same command and --resume --out {folder}")
        return 130
    return 0
