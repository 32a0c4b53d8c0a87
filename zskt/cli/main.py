"""The entry of the command line: parse, check what needs no network, run the mode, turn errors into one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from zskt.cli.names import is_stale, list_names, names_of, read_names, require_names
from zskt.cli.parser import parse
from zskt.errors import FolderInUse, NonFiniteLoss, UserError

if TYPE_CHECKING:
    from zskt.experiments.catalog import Catalog

IN_USE = 75
"""Exit code where another process holds the run folder: EX_TEMPFAIL of sysexits.h."""


def main(arguments: list[str], catalog: Callable[[], Catalog]) -> int:
    """Run the command line.

    Args:
        catalog: makes the catalogue, when a mode needs it.

    Returns:
        the exit code: 0, 1 for a run that diverged, 2 for a user's mistake, 75 where another process is at work,
        130 for an interruption.
    """
    flags = parse(arguments)
    try:
        if flags.mode == "list":
            print(list_names(names_of(catalog()) if is_stale() else read_names()))
            return 0
        require_names(flags)
        from zskt.cli.commands import COMMANDS  # after what needs no torch

        COMMANDS[flags.mode](flags, catalog())
    except UserError as error:
        print(f"zskt: {error}", file=sys.stderr)
        return IN_USE if isinstance(error, FolderInUse) else 2
    except NonFiniteLoss as error:
        print(f"zskt: stopped at {error}; no step was taken on it", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        sys.stderr.close()
        return 0
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        print(f"zskt: {where}{error.strerror or error}; mend that, or choose another --out", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        folder = error.args[0] if error.args else "RUN_FOLDER"
        print(f"zskt: interrupted; continue with the same command and --resume --out {folder}", file=sys.stderr)
        return 130
    return 0
