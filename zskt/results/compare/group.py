"""Runs of one entrant of a comparison, its figures over seeds, and its curves."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zskt.errors import UserError
from zskt.experiments.config import recorded_files
from zskt.experiments.result import DATA_FREE, Result
from zskt.results.records import Record, records_of_runs
from zskt.results.told_apart import Asked, asked_of, named_apart, teacher_hashes
from zskt.storage.files import read_json
from zskt.storage.metric_lines import read_lines
from zskt.storage.run_files import CONFIG, METRICS, RESULT

FIGURES = ("agreement", "accuracy", "auc", "kl")
"""Figures of merit of a student, as `zskt.experiments.result.NetworkScores` names them."""
LOWER_IS_BETTER = ("kl",)
COSTS = {"teacher_queries": "teacher queries", "steps": "student steps", "training_seconds": "minutes"}
"""What curves are drawn against: name in ``metrics.jsonl`` -> what it is called."""
SCALE = {"training_seconds": 1 / 60}


@dataclass(frozen=True)
class Point:
    """A point of a curve: means over seeds, and the standard deviation; None of a single seed."""

    x: float
    mean: float
    deviation: float | None


@dataclass(frozen=True, kw_only=True)
class Group:
    """Runs that differ by their seed alone, scored on the same samples."""

    label: str
    records: tuple[Record, ...]

    @property
    def results(self) -> tuple[Result, ...]:
        """What the runs left."""
        return tuple(record.result for record in self.records)

    @property
    def is_reference(self) -> bool:
        """Whether the runs learned from data."""
        return self.results[0].mode not in DATA_FREE

    def values(self, figure: str) -> list[float]:
        """Return one of the student's figures, a value a seed; none where a run lacks it."""
        values = [getattr(result.student, figure) for result in self.results]
        return [] if None in values else values

    def mean(self, name: str) -> float | None:
        """Return the mean of an entry of ``result.json`` over the seeds; None where a run lacks it."""
        values = [getattr(result, name) for result in self.results]
        return None if None in values else statistics.fmean(values)

    def curve(self, figure: str, cost: str) -> list[Point]:
        """Return a figure on the test samples against a cost; empty where the runs did not log both."""
        logged = [_points(record.folder / METRICS, f"test/{figure}", cost) for record in self.records]
        points = []
        for same in zip(*logged, strict=False):  # seeds are evaluated at the same iterations
            xs, ys = zip(*same, strict=True)
            deviation = statistics.stdev(ys) if len(ys) > 1 else None
            points.append(Point(statistics.fmean(xs) * SCALE.get(cost, 1.0), statistics.fmean(ys), deviation))
        return points


def _points(path: Path, figure: str, cost: str) -> list[tuple[float, float]]:
    return [(line[cost], line[figure]) for line in read_lines(path) if cost in line and figure in line]


def read_groups(runs: Mapping[str, Sequence[Path]]) -> list[Group]:
    """Read finished runs: of each the figures on the samples that most runs without data were scored on.

    Args:
        runs: label -> run folders of several seeds.
    """
    records = {label: records_of_runs(folders) for label, folders in runs.items()}
    return choose_same_data(records)


def choose_same_data(records: Mapping[str, Sequence[Record]]) -> list[Group]:
    """Gather records by label; those on other test samples than the rest are left out."""
    every = [record for several in records.values() for record in several]
    free = [record for record in every if record.result.mode in DATA_FREE] or every
    keys = [_data_of(record) for record in free]
    most = max(dict.fromkeys(keys), key=keys.count, default=None)
    groups = []
    for label, several in records.items():
        kept = sorted((r for r in several if _data_of(r) == most), key=lambda record: record.result.seed)
        if kept:
            groups.append(Group(label=label, records=tuple({r.result.seed: r for r in reversed(kept)}.values())[::-1]))
    return groups


def left_out(records: Mapping[str, Sequence[Record]], groups: Sequence[Group]) -> list[str]:
    """Say of each run that counts in no group of `choose_same_data` why it does not: a line a run folder."""
    kept = {record.folder for group in groups for record in group.records}
    chosen = next((_data_of(record) for group in groups for record in group.records), None)
    lines = {}
    for label, several in records.items():
        members = [record for group in groups if group.label == label for record in group.records]
        for record in several:
            if record.folder in kept:
                continue
            if _data_of(record) == chosen:
                first = next(other for other in members if other.result.seed == record.result.seed)
                lines[record.folder] = (
                    f"{record.folder}: repeats seed {record.result.seed} of {first.folder}, which counts once"
                )
            else:
                lines.setdefault(record.folder, f"{record.folder}: was scored on other samples, and is left out")
    return list(lines.values())


def _data_of(record: Record) -> tuple[str, str | None, int] | None:
    data = record.result.data
    return None if data is None else (data.name, data.sha256, data.count)


def require_one_teacher(runs: Sequence[Path]) -> None:
    """Raise `UserError` if runs are of other teachers: agreement with each would be another thing."""
    first, *others = runs
    for run in others:
        before, now = _teacher_of(first), _teacher_of(run)
        if before[0] != now[0] or (before[1] != now[1] and None not in (before[1], now[1])):
            names = f"{before[0]} and {now[0]}" if before[0] != now[0] else f"other files under the name {now[0]}"
            raise UserError(f"--run {first} {run}: have other teachers, {names}; compare runs of one")


def _teacher_of(run: Path) -> tuple[str, tuple[str, ...] | None]:
    """Return the name of a finished run's teacher, and the SHA-256 of its files if the run says so."""
    name = Result.read(run / RESULT).teacher.name
    path = run / CONFIG
    files = recorded_files(read_json(path), path) if path.is_file() else {}
    return name, teacher_hashes(files)


def labels_of(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Name runs that nobody named: by method, and by what else tells recipes of one method apart."""
    by_recipe: dict[Asked, list[Record]] = {}
    for record in records:
        by_recipe.setdefault(asked_of(record), []).append(record)
    names = []
    for asked in by_recipe:
        recipe = asked.recipe
        generators = {other.recipe.generator for other in by_recipe if other.recipe.method == recipe.method}
        names.append(recipe.method + (f"@{recipe.generator or 'none'}" if len(generators) > 1 else ""))
    return dict(zip(named_apart(names, list(by_recipe)), by_recipe.values(), strict=True))
