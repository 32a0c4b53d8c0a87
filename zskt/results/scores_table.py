"""One table of several results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zskt.experiments.result import BY_LABEL
from zskt.experiments.summary import COUNTED_BY_LABEL, written
from zskt.results.printed_table import PrintedTable

FIGURES = ("parameters", "accuracy", "auc", "ece", "agreement", "kl", "ms_per_sample")
TITLES = {"auc": "AUC", "ece": "ECE", "kl": "KL (nats)", "ms_per_sample": "ms per sample"}
"""What figures are called where their names are no words."""


@dataclass(frozen=True)
class ScoredRun:
    """Figures of one network, on one set of samples."""

    run: str
    network: str
    data: str
    figures: dict[str, float | int | None]

    def to_dict(self) -> dict[str, Any]:
        """Return a row of the table."""
        return {"run": self.run, "network": self.network, "data": self.data, **self.figures}


def scored_runs(results: Sequence[tuple[str, dict[str, Any]]]) -> list[ScoredRun]:
    """Return a row for each student, and one for each teacher and set of samples, above its students.

    Args:
        results: name of the run, and its figures in the layout of ``result.json``.
    """
    teachers: dict[tuple[str, str], list[ScoredRun]] = {}
    for run, result in results:
        data, teacher = str(result["data"]["name"]), str(result["teacher"]["name"])
        own = ScoredRun("teacher", teacher, data, {name: result["teacher"].get(name) for name in FIGURES})
        rows = teachers.setdefault((teacher, data), [own])
        rows.append(
            ScoredRun(run, str(result["student"]["name"]), data, {n: result["student"].get(n) for n in FIGURES})
        )
    return [row for rows in teachers.values() for row in rows]


def scores_table(results: Sequence[tuple[str, dict[str, Any]]]) -> PrintedTable:
    """Return the table of several results, as `scored_runs` takes them."""
    rows = scored_runs(results)
    head = ["run", "network", "samples", *(TITLES.get(name, name) for name in FIGURES)]
    by_label = any(result["data"].get("counted") == BY_LABEL for _, result in results)
    cells = [[r.run, r.network, r.data, *(written(r.figures[name]) for name in FIGURES)] for r in rows]
    return PrintedTable(head, cells, 3, [row.to_dict() for row in rows], [COUNTED_BY_LABEL] if by_label else [])
