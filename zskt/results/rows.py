"""Rows of tables: runs of one recipe, scored on the same samples, that differ by their seed alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from zskt.experiments.config import METHOD_OF_MODE
from zskt.experiments.recipe import Recipe
from zskt.experiments.result import Result, ScoredSamples
from zskt.markdown import NO_VALUE, integer, mean_and_deviation
from zskt.results.records import Record
from zskt.results.told_apart import Asked, asked_of, differences, first_of_each_seed


@dataclass(frozen=True)
class Row:
    """Runs that differ by their seed alone."""

    recipe: Recipe
    data: ScoredSamples
    runs: tuple[Result, ...]
    apart: str = ""
    """What else tells it from another row of its recipe: a budget of queries, the samples that it learned from."""
    members: int = 1
    """Networks that answer together; more than one where the teacher is an ensemble."""

    @property
    def subject(self) -> tuple[str, str, str, str, str]:
        """Preset, teacher, student and test samples: what the rows of one table share."""
        data = f"{self.data.name} {self.data.sha256}"
        return self.recipe.preset, self.teacher, self.recipe.student, data, self.data.unit

    @property
    def teacher(self) -> str:
        """Name the teacher, and say of an ensemble how many networks it has."""
        return self.recipe.teacher + (f" ({self.members} networks together)" if self.members > 1 else "")

    @property
    def label(self) -> str:
        """Say what the student learned from, and in which settings the recipe was changed."""
        changes = (
            f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
            for name, value in self.runs[0].changes.items()
        )
        copy = " (JPEG copy)" if is_jpeg_copy(self.data) else ""
        return ", ".join(filter(None, [source_label(self.recipe), *changes, self.apart])) + copy

    def mean(self, figure: str) -> float:
        """Return the mean of one of the student's figures over the runs; NaN where a run lacks it."""
        values = [getattr(run.student, figure) for run in self.runs]
        return math.nan if None in values else sum(values) / len(values)

    def cell(self, figure: str) -> str:
        """Write mean ± standard deviation of one of the student's figures over the runs."""
        values = [getattr(run.student, figure) for run in self.runs]
        return NO_VALUE if None in values else mean_and_deviation(values)


def source_label(recipe: Recipe) -> str:
    """Name what a student learned from: a generator, or data."""
    if recipe.mode == "kd":
        return "data (kd)" if recipe.answers is None else f"{integer(recipe.answers)} answers (kd)"
    if recipe.mode != "few-shot":
        source = recipe.generator or recipe.mode
        is_usual = recipe.mode != "zero-shot" or recipe.method == METHOD_OF_MODE[recipe.mode]
        return source if is_usual else f"{source} ({recipe.method})"
    names = {(False, False): "data, labels alone", (True, False): "data (KD)"}
    name = names.get((bool(recipe.kd_fraction), bool(recipe.attention_weight)), "data (KD+AT)")
    return name if recipe.init_from_run == "scratch" else f"{name}, from a zero-shot student"


def is_jpeg_copy(data: ScoredSamples) -> bool:
    """Tell whether images come from a lossy copy, which zskt used before it read the originals."""
    return "jpeg" in data.name.lower()


def group(records: Iterable[Record]) -> list[Row]:
    """Gather records of one recipe and the same test samples.

    Modes teacher and toy leave no row, nor do runs that nobody judged.
    """
    recipes: dict[tuple[Recipe, str, str | None], list[tuple[Asked, Record]]] = {}
    for record in records:
        data = record.result.data
        if data is not None and data.missing is None and record.result.mode != "teacher":
            recipes.setdefault((record.recipe, data.name, data.sha256), []).append((asked_of(record), record))
    return [row for members in recipes.values() for row in _rows(members)]


def _rows(members: Sequence[tuple[Asked, Record]]) -> list[Row]:
    """Split runs of one recipe by what else they were asked; an unknown hash is the only one that is known."""
    data = {asked.data_sha256: asked.data for asked, _ in members if asked.data_sha256 is not None}
    teachers = {asked.teachers for asked, _ in members if asked.teachers is not None}
    groups: dict[Asked, list[Record]] = {}
    for asked, record in members:
        if asked.data_sha256 is None and len(data) == 1:
            ((sha256, name),) = data.items()
            asked = replace(asked, data_sha256=sha256, data=name)
        if asked.teachers is None and len(teachers) == 1:
            asked = replace(asked, teachers=next(iter(teachers)))
        groups.setdefault(asked, []).append(record)
    return [
        _row(asked, ", ".join(differences(asked, [*groups])), first_of_each_seed(records))
        for asked, records in groups.items()
    ]


def _row(asked: Asked, apart: str, records: Sequence[Record]) -> Row:
    data = records[0].result.data
    assert data is not None
    members = len(asked.teachers or (None,))
    return Row(asked.recipe, data, tuple(record.result for record in records), apart, members)
