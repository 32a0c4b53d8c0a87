"""Recorded results: what finished runs left, the only source of tables and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zskt.errors import UserError
from zskt.files import read_json

JUDGED = "evaluate-jets-test.json"
"""What a reference run scored on the test jets; where a run has none, ``result.json`` counts."""
REAL = "evaluate-pfnano.json"
"""What it scored on an experiment's own jets, if it was asked; a table of its own."""


@dataclass(frozen=True)
class Record:
    """A finished run."""

    folder: Path
    result: dict[str, Any]

    def is_of(self, preset: str, mode: str, **facts: Any) -> bool:
        """Whether it played this recipe unchanged; ``facts`` are further entries of its result."""
        asked = {"preset": preset, "mode": mode} | facts
        same = all(self.result.get(name) == value for name, value in asked.items())
        return same and not self.result.get("changes")

    def transition(self) -> dict[str, Any] | None:
        """Its transition curves on the data that it was judged on, if they were taken."""
        for path in sorted(self.folder.glob("transition-*.json")):
            found = read_json(path)
            if found["data"] == self.result["data"]:
                return found
        return None

    def curve(self, name: str) -> list[tuple[int, float]]:
        """Turns and values of one of its metrics."""
        path = self.folder / "metrics.jsonl"
        lines = map(json.loads, path.read_text().splitlines()) if path.is_file() else ()
        return [(line["step"], line[name]) for line in lines if name in line]


def read_records(folder: Path) -> list[Record]:
    """All runs below a folder.

    Raises:
        UserError: if there is none.
    """
    found = []
    for path in sorted(folder.glob("*/result.json")):
        judged = path.parent / JUDGED
        found.append(Record(path.parent, read_json(judged if judged.is_file() else path)))
        also = path.parent / REAL
        if also.is_file():
            found.append(Record(path.parent, read_json(also)))
    if not found:
        raise UserError(f"{folder}: no run with a result.json below it; give --run the folder that holds the runs")
    return found


def spread(values: list[float], scale: float = 1.0, digits: int = 4) -> str:
    """Mean ± standard deviation (of a sample, n - 1); a single value has no deviation."""
    scaled = scale * np.asarray(values)
    mean = f"{scaled.mean():.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {scaled.std(ddof=1):.{digits}f}"


def chosen(records: Iterable[Record], preset: str, mode: str, **facts: Any) -> list[Record]:
    """Those of one recipe, which differ by their seed alone."""
    return [record for record in records if record.is_of(preset, mode, **facts)]


def values(records: Iterable[Record], of: Callable[[Record], float | None]) -> list[float]:
    """What is known."""
    return [value for value in map(of, records) if value is not None]
