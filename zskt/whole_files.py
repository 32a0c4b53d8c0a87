"""Files that are written whole or not at all, whatever ends the process or fills the disk meanwhile.

What is written goes to a temporary file beside, which a rename then makes the file: the one step that the operating
system does whole or not at all. Files are made as `open` makes them, so that the user's umask holds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the name of a file on an `OSError` that has none: "no space left" does not say where by itself."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file, to be written; then it becomes ``path``.

    After an error it is removed, as the room that it takes may be what is missing, and ``path`` is what it was.

    Raises:
        OSError: with the name of a file, if it cannot be written.
    """
    temporary = path.with_suffix(".tmp")
    try:
        with naming(path):
            yield temporary
            temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
