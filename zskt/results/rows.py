"""Rows of tables: runs of one recipe, scored on the same samples, that differ by their seed alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from zskt.experiments.recipe import Recipe
from zskt.experiments.result import Result, ScoredSamples
from zskt.markdown import NO_VALUE, mean_and_deviation
from zskt.results.records import Record


@dataclass(frozen=True)
class Row:
    """Runs that differ by their seed alone."""

    recipe: Recipe
    data: ScoredSamples
    runs: tuple[Result, ...]

    @property
    def subject(self) -> tuple[str, str, str, str, str]:
        """Preset, teacher, student and test samples: what the rows of one table share."""
        data = f"{self.data.name} {self.data.sha256}"
        return self.recipe.preset, self.recipe.teacher, self.recipe.student, data, self.data.unit

    @property
    def label(self) -> str:
        """Say what the student learned from, and in which settings the recipe was changed."""
        changes = (
            f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
            for name, value in self.runs[0].changes.items()
        )
        copy = " (JPEG copy)" if is_jpeg_copy(self.data) else ""
        return ", ".join([source_label(self.recipe), *changes]) + copy

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
        return "data (kd)" if recipe.answers is None else f"{recipe.answers:,} answers (kd)".replace(",", " ")
    if recipe.mode != "few-shot":
        source = recipe.generator or recipe.mode
        return source if recipe.mode != "zero-shot" or recipe.method == "zskt" else f"{source} ({recipe.method})"
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
    groups: dict[tuple[Recipe, str, str | None], list[Record]] = {}
    for record in records:
        data = record.result.data
        if data is not None and data.missing is None and record.result.mode != "teacher":
            key = (record.recipe, data.name, data.sha256)
            groups.setdefault(key, []).append(record)
    return [_row(members) for members in groups.values()]


def _row(members: Sequence[Record]) -> Row:
    data = members[0].result.data
    assert data is not None
    return Row(members[0].recipe, data, tuple(record.result for record in members))
