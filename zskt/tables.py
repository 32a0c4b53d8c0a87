"""Mode ``tables``: Markdown tables from recorded ``result.json`` files, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .domains import unit
from .errors import UserError
from .folder import read_json

JUDGED = "evaluate-jets-test.json"
"""What a reference run scored on the test jets; where a run has none, ``result.json`` on the sample that ships."""


@dataclass(frozen=True)
class Row:
    """Runs that differ by their seed alone."""

    preset: str
    teacher: str
    student: str
    data: str
    """Its name and SHA-256."""
    generator: str
    mode: str
    answers: int
    steps: int
    """Of the student."""
    runs: tuple[dict[str, Any], ...]

    def cell(self, key: str) -> str:
        """Mean ± standard deviation over the runs."""
        values = [run["student"][key] for run in self.runs]
        if any(value is None for value in values):
            return "–"
        return _spread(values)


def _spread(values: list[float]) -> str:
    """Mean ± standard deviation (of a sample, n - 1); a single value has no deviation."""
    if len(values) == 1:
        return f"{values[0]:.4f}"
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"


def collect(folder: Path) -> list[Row]:
    """All runs below a folder, grouped.

    Raises:
        UserError: if there is none.
    """
    groups: dict[tuple[Any, Any, Any, Any, Any, Any, Any, Any], list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("*/result.json")):
        judged = path.parent / JUDGED
        run = read_json(judged if judged.is_file() else path)
        if run.get("mode") in ("teacher", "toy"):
            continue
        try:
            data = f"{run['data']['name']} {run['data']['sha256']}"
            own = (run["preset"], run["teacher"]["name"], run["student"]["name"], data)
            key = (*own, run["generator"], run["mode"], run["teacher_answers"], run["steps"])
        except KeyError as error:
            raise UserError(f"{path}: has no {error}; it is not a result of this version of zskt, remove it") from error
        groups.setdefault(key, []).append(run)
    if not groups and not _toys(folder):
        raise UserError(f"{folder}: no run with a result.json below it; give --run the folder that holds the runs")
    order = ("noise", "mlp", "shower-prior", "shower", "none")
    rows = [Row(*key, tuple(runs)) for key, runs in groups.items()]
    return sorted(
        rows,
        key=lambda r: (
            r.preset,
            r.teacher,
            r.student,
            r.data,
            order.index(r.generator) if r.generator in order else 9,
            r.answers,
            r.steps,
        ),
    )


def _kind(row: Row) -> tuple[str, str, str, str]:
    """What rows of one table have in common."""
    return row.preset, row.teacher, row.student, row.data


def render(folder: Path) -> str:
    """One table a preset."""
    rows = collect(folder)
    tables = []
    for kind in dict.fromkeys(_kind(row) for row in rows):
        chosen = [row for row in rows if _kind(row) == kind]
        preset, _, student, _ = kind
        first = chosen[0].runs[0]
        teacher, data = first["teacher"], first["data"]
        head = f"**{preset}**: teacher {teacher['name']}, student {student}, "
        head += f"{data[f'{unit(data)}s']} {unit(data)}s of {data['name']}"
        if teacher["accuracy"] is not None and teacher["auc"] is not None:
            head += f" (teacher: accuracy {teacher['accuracy']:.4f}, AUC {teacher['auc']:.4f})"
        lines = [
            head,
            "",
            "| samples | teacher's answers | student's steps | agreement | accuracy | AUC | KL (nats) | n |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for row in chosen:
            name = "data (kd)" if row.mode == "kd" else row.generator
            cells = " | ".join(row.cell(key) for key in ("agreement", "accuracy", "auc", "kl"))
            lines.append(f"| {name} | {row.answers:,} | {row.steps:,} | {cells} | {len(row.runs)} |".replace(",", " "))
        tables.append("\n".join(lines))
    return "\n\n".join([*tables, *_toys(folder)])


def _toys(folder: Path) -> list[str]:
    """A line on the game in the plane, if it was played."""
    runs = [run for run in map(read_json, sorted(folder.glob("*/result.json"))) if run.get("mode") == "toy"]
    if not runs:
        return []
    right, agree = (_spread([run[role][key] for run in runs]) for role, key in _TOY)
    line = f"**toy**: teacher right on {right} of the points, student agrees with it on {agree} of the square"
    return [f"{line}, n = {len(runs)}"]


_TOY = (("teacher", "accuracy"), ("student", "agreement"))
