"""What may be printed: names from files, and of files, hold characters that move the cursor or change colours."""

from __future__ import annotations

import contextlib
import functools
import sys
import unicodedata
from typing import TextIO


def printable(text: str, *, lines: bool = False) -> str:
    r"""Return a text whose control characters, and bytes that are no text, are written as escapes such as ``\x1b``.

    Args:
        lines: whether ends of lines and tabulators stay as they are.
    """
    return "".join(
        character
        if character.isprintable() or unicodedata.category(character) == "Zs" or (lines and character in "\n\t")
        else character.encode("unicode_escape").decode()
        for character in text
    )


def say(line: str) -> None:
    """Print one line of printable characters to standard output."""
    print(printable(line), flush=True)


def note(line: str) -> None:
    """Print one line of printable characters to standard error; what ends a run is told by `zskt.parallel.ranks`.

    A reader who has left, as of a pipe or a terminal that is closed, is no reason for a run to end.
    """
    with contextlib.suppress(OSError):
        print(printable(line), file=sys.stderr, flush=True)


@functools.cache
def note_once(line: str) -> None:
    """Print a line as `note` does, once a process: samples are looked at before a run, and read in it."""
    note(line)


class PrintableStream:
    """A stream of text that prints nothing but lines of printable characters."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text, escaped, and what the stream's encoding lacks as escapes, too."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(printable(text, lines=True).encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Whether somebody looks on."""
        return self._stream.isatty()
