"""What a kind of file is: a sound one, how it is damaged, and who reads it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.mutate import of_bytes


@dataclass(frozen=True)
class Kind:
    """A kind of file."""

    name: str
    file: str
    """Name of the file that is damaged, in a folder of the kind."""
    make: Callable[[Path], None]
    """Makes a folder with a sound file, and what lies beside it."""
    read: Callable[[Path], object]
    """Reads the file, as a command does."""
    damage: Callable[[bytes, random.Random], bytes] = of_bytes
    sound: str = "read"
    """How a sound file ends; arrays of NumPy are no network."""


def text(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None
