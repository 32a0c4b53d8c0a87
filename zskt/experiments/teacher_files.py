"""What a user says of a teacher's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class TeacherFiles:
    """Files of a teacher, and what they do not say themselves."""

    network: Path | None = None
    """``--teacher-path``"""
    preprocess: Path | None = None
    """``--preprocess``, how a tagger is fed."""
    layouts: tuple[tuple[str, str], ...] = ()
    """``--layout``, names of inputs and their axes."""
    architecture: tuple[str, str | None] | None = None
    """``--architecture`` and its options, of a file that holds parameters alone."""
    input_shape: tuple[int, ...] | None = None
    """``--input-shape`` of images."""
    mean: tuple[float, ...] | None = None
    """``--mean`` of the intensities of each channel."""
    std: tuple[float, ...] | None = None
    """``--std`` of the intensities of each channel."""
    classes: Path | None = None
    """``--classes``, names of the classes of a network of images or vectors."""
    inputs: Path | None = None
    """``--inputs``, description of the features of a network of vectors."""

    @property
    def feeding(self) -> dict[str, Any]:
        """What the user says of the inputs and classes of a network of images or vectors, by field."""
        names = ("input_shape", "mean", "std", "classes", "inputs")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}
