"""Errors that a user is meant to see, and the look-up in a registry that raises one."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")

SHORT_LIST = 12
"""Names up to which an error lists all of them."""
FIRST_FEW = 6
"""Names of a longer list that an error has."""


class UserError(Exception):
    """A mistake that the user can mend: its message is one line that says what, where and what to do.

    The command line prints the message and exits with code 2; no traceback is shown.
    """


class MissingSamples(UserError):
    """Nobody gave test samples, and they cannot be fetched: what only judges with them can go on, and say so."""


class FolderInUse(UserError):
    """Another process writes a folder: the command line exits with code 75, as of what may work later."""


class RankLost(Exception):
    """Another process of the same run has ended, so that this one cannot go on."""


class NonFiniteLoss(RuntimeError):
    """A loss term is NaN or infinite; raised before any parameter is changed by it."""


def lookup(table: Mapping[str, T], name: str, kind: str) -> T:
    """Return the entry ``name`` of a registry.

    Raises:
        UserError: if there is none; the message has the closest names, all of a short list, or the first of a long one.
    """
    if name in table:
        return table[name]
    names = sorted(table)
    small = {entry.lower(): entry for entry in names}
    close = [small[match] for match in get_close_matches(str(name).lower(), small, n=3)]
    if close:
        raise UserError(f"unknown {kind} {name!r}: did you mean {' or '.join(close)}?")
    few = names if len(names) <= SHORT_LIST else names[:FIRST_FEW]
    rest = f", and {len(names) - len(few)} more (see --mode list)" if len(few) < len(names) else ""
    raise UserError(f"unknown {kind} {name!r}: choose one of {', '.join(few)}{rest}")


def listed(names: Sequence[str], most: int) -> str:
    """Return names in a row, the first ``most`` of them: "a, b and 3 more"."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def quoted(error: Exception | str, most: int = 160) -> str:
    """Return what an error says, in one line that ends with a word: of onnxruntime its reason, of TorchScript the last.

    Args:
        most: number of characters.
    """
    text = str(error).strip()
    reason = re.sub(r"^\S+\.(h|cc|cpp):\d+ .*?\) (const )?", "", text.rpartition("Status Message: ")[2])  # where in C++
    if "\n" in text and "Status Message: " not in text:  # TorchScript's error is behind the lines of its code
        marked = [line for line in text.splitlines() if re.match(r"\s*\w*(Error|Exception): ", line)]
        reason = marked[-1] if marked else text.splitlines()[0]
    return textwrap.shorten(reason, most, placeholder=" ...") or "no reason given"
