"""Errors that a user is meant to see, and the look-up in a registry that raises one."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")

SHORT_LIST = 12
"""Names up to which an error lists all of them."""
MOST_SLIPS = 2
"""Letters that a name may differ by from the one that was meant, where no longer part of it is the same."""
FIRST_FEW = 6
"""Names of a longer list that an error has."""
SETTINGS_PAGE = "docs/reference/config.md"
"""Where the settings of each method are listed: ``--mode list`` has none."""


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


def lookup(table: Mapping[str, T], name: str, kind: str, see: str = "--mode list") -> T:
    """Return the entry ``name`` of a registry.

    Args:
        see: what lists a long table; empty: nothing does, so that the message has all names.

    Raises:
        UserError: if there is none; the message has the closest names, all of a short list, or the first of a long one.
    """
    if name in table:
        return table[name]
    names = sorted(table)
    if close := closest(str(name), names):
        raise UserError(f"unknown {kind} {name!r}: did you mean {' or '.join(close)}?")
    few = names if len(names) <= SHORT_LIST or not see else names[:FIRST_FEW]
    rest = f", and {len(names) - len(few)} more (see {see})" if len(few) < len(names) else ""
    raise UserError(f"unknown {kind} {name!r}: choose one of {', '.join(few)}{rest}")


def closest(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """Return the names that one with a slip may mean, the likeliest first: alike, or few letters apart.

    Args:
        most: how many.
    """
    small = {entry.lower(): entry for entry in names}
    close = get_close_matches(name.lower(), small, n=most)
    if not close and small:
        slips = {entry: _slips(name.lower(), entry) for entry in small}
        least = min(slips.values())
        close = [entry for entry in small if slips[entry] == least <= min(MOST_SLIPS, len(name) // 2)][:most]
    return [small[match] for match in close]


def _slips(a: str, b: str) -> int:
    """Count by how many letters two words differ that are added, left out, exchanged or in another order."""
    before, last = list[int](), list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y)))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                row[j] = min(row[j], before[j - 2] + 1)
        before, last = last, row
    return last[-1]


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
