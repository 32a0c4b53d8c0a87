"""What a user says of a teacher's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
