"""One table of several results, as text for the terminal, CSV, LaTeX or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from zskt.experiments.summary import written

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


def _cells(rows: Sequence[ScoredRun]) -> tuple[list[str], list[list[str]]]:
    head = ["run", "network", "samples", *(TITLES.get(name, name) for name in FIGURES)]
    return head, [[r.run, r.network, r.data, *(written(r.figures[name]) for name in FIGURES)] for r in rows]


def as_text(rows: Sequence[ScoredRun]) -> str:
    """Return aligned columns."""
    head, cells = _cells(rows)
    lines = [head, *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(c.ljust(w) if i < 3 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    )


def as_csv(rows: Sequence[ScoredRun]) -> str:
    """Return CSV with all digits; the head has the names of ``result.json``."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["run", "network", "data", *FIGURES], lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.to_dict() for row in rows)
    return text.getvalue().rstrip("\n")


def as_json(rows: Sequence[ScoredRun]) -> str:
    """Return a list of objects."""
    return json.dumps([row.to_dict() for row in rows], indent=2, allow_nan=False)


SPECIAL = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
           "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--"}  # fmt: skip
"""What LaTeX does not take as it is."""


def latex_table(head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """Return a ``tabular`` with the rules of the package booktabs.

    Args:
        words: columns that hold words, and are set to the left.
    """

    def line(cells: Sequence[str]) -> str:
        return " & ".join("".join(SPECIAL.get(c, c) for c in cell).replace("±", r"$\pm$") for cell in cells) + r" \\"

    columns = "l" * words + "r" * (len(head) - words)
    body = "\n".join(map(line, rows))
    return (
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{line(head)}\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}"
    )


def as_latex(rows: Sequence[ScoredRun]) -> str:
    """Return a ``tabular`` for the package booktabs."""
    return latex_table(*_cells(rows), words=3)


FORMATS: dict[str, Callable[[Sequence[ScoredRun]], str]] = {
    "text": as_text,
    "csv": as_csv,
    "latex": as_latex,
    "json": as_json,
}
