"""The runs below a folder, as their files say: what a list of them shows. Nothing here imports torch."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from zskt.errors import UserError
from zskt.experiments.result import upgrade
from zskt.storage.files import read_json
from zskt.storage.metric_lines import read_lines
from zskt.storage.run_files import CONFIG, METRICS, RESULT
from zskt.terminal import printable

MAX_DEPTH, MAX_RUNS = 4, 5000
"""How deep below the folder runs are looked for, and how many are listed."""
MAX_POINTS = 400
"""Points of a curve, at most."""
CURVES = ("test/agreement", "test/accuracy", "loss/student", "kl/pseudo", "agreement/pseudo", "accuracy/training")
"""Metrics whose curves are shown, where a run has them."""
WORDS = ("mode", "preset", "method", "teacher", "student", "generator", "seed")
FIGURES = {
    "agreement": "agreement",
    "kl": "KL (nats)",
    "accuracy": "accuracy",
    "auc": "AUC",
    "parameters": "parameters",
    "ms_per_sample": "ms per sample",
}
"""Entry of the student in ``result.json`` -> head of its column."""
COSTS = {"teacher_queries": "queries", "steps": "steps", "seconds": "seconds"}
PAGES = ("report.html", "page.html", "compare.html", "index.html")
"""Pages that other modes write, in the order in which they are offered."""


@dataclass(frozen=True)
class ShownRun:
    """A run, as far as its files can be read."""

    name: str
    """Path below the folder, with slashes."""
    path: Path
    words: dict[str, str] = field(default_factory=dict)
    """Who took part, by `WORDS`."""
    figures: dict[str, float] = field(default_factory=dict)
    """What the student reached and what it took, by `FIGURES` and `COSTS`; those that are known."""
    teacher: dict[str, float] = field(default_factory=dict)
    """The teacher's figures, by `FIGURES`."""
    unit: str = "sample"
    finished: bool = False
    problem: str = ""
    """Why its files cannot be read; empty if they can."""

    @property
    def title(self) -> str:
        """Its name as it may be shown."""
        return printable(self.name)


def is_within(path: Path, root: Path) -> bool:
    """Whether a file, wherever links lead, lies in a folder."""
    try:
        return path.resolve(strict=True).is_relative_to(root.resolve(strict=True))
    except (OSError, RuntimeError):
        return False


def find_runs(root: Path) -> dict[str, ShownRun]:
    """Return the runs in a folder and below it by name, in order; links out of it are none."""
    base = root.parent if _is_run(root, root) else root
    names = (path.relative_to(base).as_posix() for path in _folders(root) if _is_run(path, root))
    return {name: _unless_known(name, base / name, _stamp(base / name)) for name in sorted(names)[:MAX_RUNS]}


def _stamp(path: Path) -> tuple[tuple[int, int, int], ...]:
    """Return by what it is seen that a run's files are others than before."""
    stats = [file.lstat() for name in (CONFIG, RESULT) if (file := path / name).exists()]
    return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)


@lru_cache(MAX_RUNS)
def _unless_known(name: str, path: Path, stamp: tuple[tuple[int, int, int], ...]) -> ShownRun:
    """Read a run's files, unless they were read as they are: a browser asks for hundreds of runs again and again."""
    del stamp
    return read_run(name, path)


def _folders(root: Path) -> Iterator[Path]:
    for place, folders, _ in os.walk(root):  # which follows no links
        path = Path(place)
        yield path
        deep = len(path.relative_to(root).parts) >= MAX_DEPTH
        folders[:] = [] if deep else sorted(name for name in folders if not name.startswith("."))


def _is_run(path: Path, root: Path) -> bool:
    return any(is_within(path / name, root) for name in (CONFIG, RESULT))


def read_run(name: str, path: Path) -> ShownRun:
    """Read what a run's files say; what is damaged is told in its place."""
    try:
        config = _read(path / CONFIG)
        result = upgrade(_read(path / RESULT)) if (path / RESULT).exists() else {}
    except UserError as error:
        return ShownRun(name, path, problem=str(error))
    student, teacher, data = (_table(result.get(part)) for part in ("student", "teacher", "data"))
    named = {"teacher": teacher.get("name"), "student": student.get("name")}
    words = {word: config.get(word, result.get(word, named.get(word))) for word in WORDS}
    figures = {name: student.get(name) for name in FIGURES} | {name: result.get(name) for name in COSTS}
    return ShownRun(
        name,
        path,
        {word: printable(str(value)) for word, value in words.items() if value is not None},
        _numbers(figures),
        _numbers({name: teacher.get(name) for name in FIGURES}),
        printable(str(data.get("unit", "sample"))),
        finished=bool(result),
    )


def _read(path: Path) -> dict[str, Any]:
    if path.is_symlink():
        raise UserError(f"{path}: is a link; copy the file")
    return read_json(path) if path.exists() else {}


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: v for name, v in values.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def curves(run: ShownRun) -> dict[str, list[tuple[float, float]]]:
    """Return the curves of a run by metric, (iteration, value) each, thinned to `MAX_POINTS`.

    Raises:
        UserError: if its file cannot be read.
    """
    path = run.path / METRICS
    if path.is_symlink():
        raise UserError(f"{path}: is a link; copy the file")
    lines = read_lines(path)
    found = {}
    for name in CURVES:
        points = [(float(line["step"]), float(line[name])) for line in lines if _is_finite(line.get(name))]
        stride = -(-len(points) // MAX_POINTS) or 1
        if points:
            found[name] = points[::stride] + ([points[-1]] if (len(points) - 1) % stride else [])
    return found
