"""What is known of a published network: where it is, what it takes, what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from torch import nn

from zskt.contracts import Inputs


@dataclass(frozen=True, kw_only=True)
class Card:
    """A teacher's card."""

    summary: str
    """What it is, in a line."""
    source: str
    """Publication or repository."""
    licence: str
    url: str | None
    """Where the publisher keeps the file; None if it ships with this project, or is trained by the user."""
    sha256: str | None
    """Of the file; None if nobody here has seen it, and then only a path given by the user is accepted."""
    inputs: Inputs
    classes: tuple[str, ...]
    data: str | None = None
    """Name of the published data set that it is judged on; None where jets are given as files."""
    build: Callable[[], nn.Module]
    """The architecture, untrained."""
    training_preset: str | None = None
    """Preset of ``--mode teacher`` that trains it, where no file is published."""
    local_file: Path | None = None
    """Where the user keeps the file."""
    bundled_file: Path | None = None
    """The file, where it ships with this project."""
    default_preset: str | None = None
    """Preset of its games, where none is named after it."""
    prefix: str = ""
    """What the published parameters' names begin with beyond ours."""
    caveats: str = ""
    """What a user should know before trusting it."""
    values: tuple[str, ...] = ()
    """Names of what it regresses beside its classes."""

    @property
    def domain(self) -> str:
        """What it takes: "jets", "images"."""
        return self.inputs.domain

    def with_files(self, network: Path | None = None, preprocess: Path | None = None) -> Self:
        """The same teacher from the user's file."""
        del preprocess
        return replace(self, local_file=network or self.local_file)

    def as_onnx(self, network: nn.Module, folder: Path) -> tuple[Path, str] | None:
        """Return None: the file holds parameters alone, and the exporter writes the network."""
        del network, folder
        return None

    def parameters(self) -> int:
        """As published: folding normalisations away changes their number."""
        return sum(p.numel() for p in self.build().parameters())
