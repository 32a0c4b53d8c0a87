"""Names of folders that are bytes and no text, which some libraries cannot take."""

from __future__ import annotations

import os
from pathlib import Path


def as_text(folder: Path) -> str:
    """Return a name of a folder that every library takes.

    File names are bytes on Linux, and need not be UTF-8: such a folder is opened, and goes by the number of its
    descriptor, which stays open for as long as the process lives.
    """
    name = str(folder)
    try:
        name.encode()
    except UnicodeEncodeError:
        return f"/dev/fd/{os.open(folder, os.O_RDONLY | os.O_DIRECTORY)}"
    return name
