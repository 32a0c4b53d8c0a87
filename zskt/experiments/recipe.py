"""When two runs are of one recipe: the one answer that tables, pictures and campaigns share."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from zskt.experiments.catalog import Catalog
from zskt.experiments.config import RunConfig
from zskt.experiments.presets import changes
from zskt.experiments.result import SUPERVISED_ENTRIES, Result


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What the runs of one table row have in common. Runs of equal recipes differ by their seed alone."""

    preset: str
    mode: str
    method: str
    generator: str | None
    teacher: str
    student: str
    length: int
    """Iterations, or epochs in supervised modes."""
    batch_size: int | None
    answers: int | None = None
    """Answers in shards that it learned from, as in `Result`."""
    samples_per_class: int | None = None
    """This and the next three are of mode few-shot, as in `Result`."""
    kd_fraction: float | None = None
    attention_weight: float | None = None
    init_from_run: str | None = None
    changes: frozenset[tuple[str, Any]] = frozenset()
    """Settings in which it differs from the preset, with their values."""


def recipe_of_result(result: Result) -> Recipe:
    """Return the recipe that a finished run followed."""
    values = {f.name: getattr(result, f.name) for f in fields(Recipe)}
    values |= {"teacher": result.teacher.name, "student": result.student.name}
    return Recipe(**values | {"changes": frozenset(result.changes.items())})


def recipe_of_config(config: RunConfig, catalog: Catalog) -> Recipe:
    """Return the recipe that a run of this configuration will follow."""
    settings, card = config.settings, catalog.card(config)
    few_shot = {name: getattr(settings, name) for name in SUPERVISED_ENTRIES} if config.mode == "few-shot" else {}
    return Recipe(
        preset=config.preset,
        mode=config.mode,
        method=config.method,
        generator=config.generator,
        teacher=config.teacher,
        student=config.teacher if config.mode == "teacher" else config.student,
        length=settings.iterations,
        batch_size=settings.batch_size,
        changes=frozenset(changes(config, catalog.presets, card).items()),
        **few_shot,
    )
