"""The names of everything that can be chosen, known without importing torch.

``names.json`` is made from the catalogue by ``python -m zskt --write-names``; a test compares them. It lets ``--mode
list`` and a mistake in a name answer at once.
"""

from __future__ import annotations

import argparse
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zskt.errors import UserError, lookup

if TYPE_CHECKING:
    from zskt.experiments.catalog import Catalog

PATH = Path(__file__).with_name("names.json")
ROOT = Path(__file__).parents[2]
SOURCES = (
    "zskt/methods/*.py",
    "zskt/experiments/*presets.py",
    "zskt/networks/students.py",
    "generators/*.py",
    "teachers/*.py",
)
"""Files that name what can be chosen."""
STALE_SECONDS = 60.0
"""Age difference beyond which ``names.json`` is taken for older than the sources: a checkout writes both at once."""
KINDS = ("teachers", "students", "generators", "methods", "presets")


def names_of(catalog: Catalog) -> dict[str, dict[str, Any]]:
    """Collect the names of a catalogue, each with its summary; of methods their settings."""
    from zskt.experiments.config import RunConfig
    from zskt.experiments.presets import summary_of
    from zskt.methods import METHODS

    def first_line(kind: type) -> str:
        return (kind.__doc__ or "").strip().splitlines()[0]

    return {
        "teachers": {name: card.summary for name, card in catalog.teachers.items()},
        "students": {name: entry.summary for name, entry in catalog.students.items()},
        "generators": {name: entry.summary for name, entry in catalog.generators.items()},
        "methods": {name: first_line(kind) for name, kind in METHODS.items()},
        "presets": {name: summary_of(config) for name, config in catalog.presets.items()},
        "settings": {name: list(kind.Config.names()) for name, kind in METHODS.items()},
        "run": {"settings": list(RunConfig.names())},
    }


def write_names(catalog: Catalog) -> None:
    """Write ``names.json`` anew."""
    PATH.write_text(json.dumps(names_of(catalog), indent=1, ensure_ascii=False) + "\n")


def is_stale() -> bool:
    """Tell whether a source has changed since ``names.json`` was written: then the catalogue itself must be asked."""
    newest = max((path.stat().st_mtime for pattern in SOURCES for path in ROOT.glob(pattern)), default=0.0)
    return newest > PATH.stat().st_mtime + STALE_SECONDS


@cache
def read_names() -> dict[str, dict[str, Any]]:
    """Read ``names.json``."""
    names: dict[str, dict[str, Any]] = json.loads(PATH.read_text())
    return names


def list_names(names: dict[str, dict[str, Any]]) -> str:
    """Return what ``--mode list`` prints."""
    lines = []
    for kind in KINDS:
        entries = names[kind]
        width = max(map(len, entries))
        lines += [f"{kind}:", *(f"  {name:<{width}}  {summary}" for name, summary in entries.items())]
    return "\n".join(lines)


def require_names(flags: argparse.Namespace) -> None:
    """Raise `UserError` if a flag names somebody unknown, or a file that is not there."""
    for kind in KINDS:
        name = getattr(flags, kind.removesuffix("s"), None)
        if name is not None and not is_stale():
            lookup(read_names()[kind], name, kind.removesuffix("s"))
    missing = {
        "teacher_path": "give the teacher's file, or leave the flag out",
        "preprocess": "give the preprocess.json that belongs to the network",
        "data": "give a file of jets, or a folder of images",
    }
    for flag, remedy in missing.items():
        path: Path | None = getattr(flags, flag)
        if path is not None and not path.exists():
            raise UserError(f"--{flag.replace('_', '-')} {path}: no such file; {remedy}")
