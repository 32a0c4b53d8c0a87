"""``metrics.csv``: a row for each iteration, a column for each metric, for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zskt.experiments.loggers.logger import Logger, final_metrics
from zskt.storage.whole_files import naming, replacing

NAME = "metrics.csv"
STEP = "step"


class CsvFile(Logger):
    """A table in the run's folder. A metric that comes for the first time is a new column, and the file is rewritten.

    Rows are added to its end; a resumed run forgets those that it writes again.
    """

    def __init__(self, folder: Path, after: int | None) -> None:
        self.path = folder / NAME
        self.heads: list[str] = [STEP]
        if after is not None and self.path.is_file():
            rows = [row for row in self._rows() if _step(row) <= after]
            self._write(rows)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        new = [name for name in values if name not in self.heads]
        if new or not self.path.exists():
            rows = self._rows() if self.path.exists() else []
            self.heads += new
            self._write(rows)
        with naming(self.path), self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self.heads).writerow({STEP: step, **values})

    def finish(self, result: Mapping[str, Any], step: int) -> None:
        rows, final = self._rows() if self.path.exists() else [], final_metrics(result)
        if not rows or _step(rows[-1]) != step:
            self.scalars(step, final)
            return
        self.heads += [name for name in final if name not in self.heads]
        rows[-1] |= {name: repr(value) for name, value in final.items()}
        self._write(rows)

    def _rows(self) -> list[dict[str, str]]:
        """Read the file; a last row that was cut short when the machine stopped is left out."""
        with self.path.open(newline="", encoding="utf-8") as file:
            table = csv.reader(file)
            self.heads = next(table, [STEP])
            return [dict(zip(self.heads, row, strict=True)) for row in table if len(row) == len(self.heads)]

    def _write(self, rows: list[dict[str, str]]) -> None:
        with replacing(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.heads)
            writer.writeheader()
            writer.writerows(rows)


def _step(row: dict[str, str]) -> float:
    try:
        return float(row[STEP])
    except (KeyError, ValueError):
        return float("inf")
