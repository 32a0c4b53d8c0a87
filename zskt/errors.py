"""The one exception that a user is meant to see, and the look-up in a registry that raises it."""

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


class UserError(Exception):
    """A mistake that the user can mend: its message is one line that says what, where and what to do.

    ``train.py`` prints the message and leaves with exit code 2; no traceback is shown.
    """


def lookup(table: Mapping[str, T], name: str, kind: str) -> T:
    """The entry ``name`` of a registry; an unknown name is a `UserError` that lists the known ones."""
    if name not in table:
        raise UserError(f"unknown {kind} {name!r}: choose one of {', '.join(sorted(table))}")
    return table[name]
