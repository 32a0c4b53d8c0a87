"""Files that are written whole or not at all, whatever ends the process or fills the disk meanwhile.

What is written goes to a temporary file beside, which a rename then makes the file: the one step that the operating
system does whole or not at all. Files are made as `open` makes them, so that the user's umask holds.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

NO_ROOM = 2**16
"""Bytes: a disk with less is full, as a library's next block did not fit."""


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
def telling_full_disk(folder: Path) -> Iterator[None]:
    """Tell of a full disk where a library that could not write a file there complains of something else, or later.

    Raises:
        OSError: naming the folder, after any error of a block that has left no room in it.
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        if shutil.disk_usage(folder).free < NO_ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error
        raise


@contextlib.contextmanager
def replacing(path: Path, *, name: str = "") -> Iterator[Path]:
    """Yield the path of a temporary file, to be written; then it becomes ``path``.

    After an error it is removed, as the room that it takes may be what is missing, and ``path`` is what it was.

    Args:
        name: of the temporary file; by default that of ``path`` with another suffix.

    Raises:
        OSError: with the name of a file, if it cannot be written.
    """
    temporary = path.with_name(name) if name else path.with_suffix(".tmp")
    try:
        with naming(path):
            yield temporary
            temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
