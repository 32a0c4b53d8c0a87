"""Finished runs, asked about samples that have changed (mode ``evaluate`` with ``--vary``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zskt.dataset import drawn_rows
from zskt.domains import DOMAINS
from zskt.errors import UserError
from zskt.experiments.build import choose_device
from zskt.experiments.catalog import Catalog
from zskt.experiments.finished import Evaluators, FinishedRun, open_run
from zskt.experiments.summary import written
from zskt.results.printed_table import PrintedTable
from zskt.robustness import Variation, chosen, robustness
from zskt.storage.files import read_json, write_json
from zskt.terminal import note

MOST_SAMPLES = 2000
"""Samples that networks are asked about for each size, drawn from all with seed 0."""
FIGURES = ("accuracy", "agreement", "keeps")


def vary_runs(
    runs: Sequence[Path], catalog: Catalog, data: Path | None, teacher_path: Path | None, device: str, names: list[str]
) -> list[dict[str, Any]]:
    """Ask runs and their teachers about samples that have changed, and write ``robustness-<stem>.json`` into each run.

    Args:
        names: variations of the domain, each with sizes behind a colon or without; none is all.

    Returns:
        The rows of `zskt.robustness.robustness`, with "data", and the run in the place of "network".

    Raises:
        UserError: if there is no such run or variation, or the data or the teacher cannot be had.
    """
    evaluators: Evaluators = {}
    opened = [
        open_run(
            folder, catalog, data=data, teacher_path=teacher_path, device=choose_device(device), evaluators=evaluators,
            requires_teacher=True,
        )
        for folder in runs
    ]  # fmt: skip
    variations = [_variations(run, names) for run in opened]
    for evaluator in evaluators.values():
        missing = evaluator.look()
        if missing is not None:
            raise UserError(missing)
    for run in opened:
        _require_same_samples(run, run.evaluator.source.stem, run.evaluator.source.sha256())
    rows = []
    for evaluator in evaluators.values():
        together = [run for run in opened if run.evaluator is evaluator]
        rows += _of_one_teacher(together, variations[opened.index(together[0])])
    return rows


def _variations(run: FinishedRun, names: list[str]) -> dict[str, Variation]:
    domain = run.card.domain
    if not DOMAINS[domain].variations:
        having = ", ".join(name for name, other in DOMAINS.items() if other.variations)
        raise UserError(f"--vary: {run.folder} is about {domain}, which have no variations; {having} have")
    if not run.card.classes:
        raise UserError(f"--vary: the teacher of {run.folder} has no classes, and keeps none")
    try:
        return chosen(DOMAINS[domain].variations, names)
    except ValueError as error:
        raise UserError(f"--vary {error}") from error


def _of_one_teacher(runs: Sequence[FinishedRun], variations: dict[str, Variation]) -> list[dict[str, Any]]:
    evaluator = runs[0].evaluator
    teacher = evaluator.teacher
    if teacher is None:
        raise UserError(f"--vary: {runs[0].folder} trained a teacher; give runs of students")
    data, source = evaluator.data, evaluator.source
    if len(data) > MOST_SAMPLES:
        note(f"zskt: asks about {MOST_SAMPLES} of the {len(data)} {source.unit}s of {source.name}, drawn at random")
        data = data[drawn_rows(len(data), MOST_SAMPLES)]
    students = {f"student {i}": run.student for i, run in enumerate(runs)}  # a folder may be called "teacher"
    rows = robustness(teacher, students, data, evaluator.card.inputs, variations, device=evaluator.device)
    count = {"name": source.name, "sha256": source.sha256(), "count": len(data), "unit": source.unit}
    units = {name: variation.unit for name, variation in variations.items()}
    for name, run in zip(students, runs, strict=True):
        own = [{**row, "network": row["network"].split()[0]} for row in rows if row["network"] in ("teacher", name)]
        path = _path(run, source.stem)
        before = read_json(path) if path.exists() else {}
        if before.get("data", {}).get("count") != len(data):  # another draw, which an earlier version made
            before = {}
        merged = merged_rows(before.get("rows", []), own)
        write_json(path, {"data": count, "units": before.get("units", {}) | units, "rows": merged})
    called = {"teacher": "teacher"} | {name: str(run.folder) for name, run in zip(students, runs, strict=True)}
    return [
        {"data": source.name, **row, "network": called[row["network"]], "unit": units[row["variation"]]} for row in rows
    ]


def merged_rows(before: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return earlier rows and new ones, which take the place of those of the same variation, size and network.

    Variations stay in the order in which they were first asked for, sizes rise.
    """
    rows = {(row["variation"], row["size"], row["network"]): row for row in (*before, *now)}
    order = list(dict.fromkeys(variation for variation, _, _ in rows))
    return sorted(rows.values(), key=lambda row: (order.index(row["variation"]), row["size"]))


def _path(run: FinishedRun, stem: str) -> Path:
    return run.folder / f"robustness-{stem}.json"


def _require_same_samples(run: FinishedRun, stem: str, sha256: str | None) -> None:
    """Raise `UserError` if a file of the same name is about other data."""
    path = _path(run, stem)
    if path.exists() and read_json(path).get("data", {}).get("sha256") != sha256:
        raise UserError(f"{path}: holds figures on another file of that name; rename one of the two")


def varied_table(rows: Sequence[dict[str, Any]]) -> PrintedTable:
    """Return the table of the rows of `vary_runs`."""
    head = ["network", "variation", "size", *FIGURES]
    cells = [[r["network"], r["variation"], f"{r['size']:g}", *(written(r[name]) for name in FIGURES)] for r in rows]
    units = dict.fromkeys(f"size of {row['variation']}: {row['unit']}" for row in rows)
    keeps = "keeps: share of samples that keep the class that the same network gave of them before"
    return PrintedTable(head, cells, 2, rows, [*units, keeps])
