"""What is known of a published network: where it is, what it takes, what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from .inputs import Inputs


@dataclass(frozen=True, kw_only=True)
class Card:
    """A teacher's card."""

    line: str
    """What it is, in a line."""
    source: str
    """Publication or repository."""
    licence: str
    address: str | None
    """Where the publisher keeps the file; None if it ships with this project, or is trained by the user."""
    sha256: str | None
    """Of the file; None if nobody here has seen it, and then only a path given by the user is accepted."""
    inputs: Inputs
    classes: tuple[str, ...]
    data: str | None = None
    """Name of the published data set that it is judged on; None where jets are given as files."""
    build: Callable[[], nn.Module]
    """The architecture, untrained."""
    preset: str | None = None
    """Preset of ``--mode teacher`` that trains it, where no file is published."""
    shipped: Path | None = None
    """The file, where it ships with this project."""
    prefix: str = ""
    """What the published parameters' names begin with beyond ours."""
    facts: str = ""
    """What a user should know before trusting it."""
