"""Recorded results: what finished runs left, the only source of tables and pictures.

They are read from a folder of whole runs, or from the index that `zskt.results.recording` makes of such runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from zskt.errors import UserError
from zskt.experiments.recipe import Recipe, recipe_of_result
from zskt.experiments.result import Result, upgrade
from zskt.storage.documents import checked, parse, read_text
from zskt.storage.files import read_json
from zskt.storage.metric_lines import read_lines
from zskt.storage.run_files import METRICS, RESULT

INDEX = "index.jsonl"
"""One line per run, an `IndexEntry`."""
EVALUATION, TRANSITION = "evaluate-", "transition-"
"""Prefixes of a run's files with figures on other test samples, and with transition curves."""


@dataclass(frozen=True, kw_only=True)
class IndexEntry:
    """What is recorded of one run: a line of the index."""

    run: str
    """Name of its folder, beside the index."""
    result: dict[str, Any]
    """Its ``result.json``."""
    evaluations: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Stem of other test data -> the figures there: "data", "teacher", "student" as in the result."""
    tabulate: list[str] | None = None
    """Evaluations that tables show in place of the result's own figures. None shows all figures there are."""
    transitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Stem of the test data -> transition curves and their error."""
    export: dict[str, Any] | None = None
    """Figures of the exported student."""
    environment: str | None = None
    """Key of the entry of ``environments.json``."""
    command: str | None = None
    config: dict[str, Any] | None = None
    """The configuration as the run recorded it."""

    def to_json(self) -> str:
        """Return one line, without what the run does not have."""
        values = {name: value for name, value in asdict(self).items() if value not in (None, {})}
        return json.dumps(values, allow_nan=False, ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class Record:
    """A finished run, with its scores on one set of test samples."""

    folder: Path
    result: Result
    transitions: tuple[dict[str, Any], ...] = ()
    export: Mapping[str, Any] | None = None

    @property
    def recipe(self) -> Recipe:
        return recipe_of_result(self.result)

    def transition(self) -> dict[str, Any] | None:
        """Return the transition curves on the samples that the run was scored on, if they were measured."""
        data = self.result.to_dict().get("data")  # without what only some results say
        return next((curves for curves in self.transitions if curves["data"] == data), None)

    def curve(self, name: str) -> list[tuple[int, float]]:
        """Return iterations and values of one of the logged metrics."""
        lines = read_lines(self.folder / METRICS)
        return [(line["step"], line[name]) for line in lines if name in line]


def read_records(folder: Path) -> list[Record]:
    """Read all runs of a folder: from its index if there is one, else from the run folders below it.

    Raises:
        UserError: if there is none, or a result cannot be read.
    """
    if (folder / INDEX).is_file():
        entries = read_index(folder)
    else:
        entries = [read_run(path.parent) for path in sorted(folder.glob("*/result.json"))]
    if not entries:
        raise UserError(f"{folder}: no run with a result.json below it; give --run the folder that holds the runs")
    return [record for entry in entries for record in _records(entry, folder)]


def records_of_runs(runs: Iterable[Path]) -> list[Record]:
    """Read finished runs by their folders: a record for the run's own test samples and each other evaluation.

    Raises:
        UserError: if one has no readable result.
    """
    return [record for run in runs for record in _records(read_run(run), run.parent)]


def read_index(folder: Path) -> list[IndexEntry]:
    """Read the index of a folder.

    Raises:
        UserError: if a line is not one of an index.
    """
    path, entries = folder / INDEX, []
    remedy = "restore the file"
    for number, line in enumerate(read_text(path, "JSON", remedy).splitlines(), 1):
        where = f"{path}: line {number} is not an entry of an index"
        entries.append(checked(parse(line, "JSON", where, remedy, finite=True), IndexEntry, where, remedy))
    return entries


def read_run(run: Path) -> IndexEntry:
    """Read what a run folder holds, in today's layout.

    Raises:
        UserError: if it has no readable result.
    """
    evaluations = {}
    for stem, figures in _read_all(run, EVALUATION):
        evaluations[stem] = {name: figures[name] for name in ("data", "teacher", "student")}
    export = run / "export.json"
    return IndexEntry(
        run=run.name,
        result=Result.read(run / RESULT).to_dict(),
        evaluations=evaluations,
        transitions=dict(_read_all(run, TRANSITION)),
        export=read_json(export) if export.is_file() else None,
    )


def _read_all(run: Path, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield stem and content of a run's JSON files with this prefix."""
    for path in sorted(run.glob(f"{prefix}*.json")):
        yield path.stem.removeprefix(prefix), upgrade(read_json(path))


def _records(entry: IndexEntry, folder: Path) -> Iterator[Record]:
    """Yield a record for each set of test samples that tables show, one for a set that was evaluated on again."""
    stems = list(entry.evaluations) if entry.tabulate is None else entry.tabulate
    figures: list[dict[str, Any]] = [{}] if entry.tabulate is None or not stems else []
    figures += [entry.evaluations[stem] for stem in stems]
    run = folder / entry.run
    curves = tuple(upgrade(curve) for curve in entry.transitions.values())
    seen: list[Any] = []
    for scores in figures:
        result = Result.from_dict(upgrade(entry.result) | upgrade(scores), run)
        if result.data is not None and result.data in seen:
            continue
        seen.append(result.data)
        yield Record(folder=run, result=result, transitions=curves, export=entry.export)


def known_values(records: Iterable[Record], figure: Callable[[Record], float | None]) -> list[float]:
    """Return a figure of each record that has it."""
    return [value for value in map(figure, records) if value is not None]


def one_record_per_run(records: Iterable[Record]) -> list[Record]:
    """Return the first record of each run folder: for what does not depend on the test samples."""
    by_folder: dict[Path, Record] = {}
    for record in records:
        by_folder.setdefault(record.folder, record)
    return list(by_folder.values())


def any_of_images(records: Iterable[Record]) -> bool:
    """Whether any of the runs was scored on images: the published experiments that tables repeat are of images."""
    return any(record.result.data is not None and record.result.data.unit == "image" for record in records)
