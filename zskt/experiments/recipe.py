"""When two runs are of one recipe: the one answer that tables, pictures and campaigns share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from zskt.experiments.config import Config
from zskt.experiments.presets import changes
from zskt.experiments.result import SUPERVISED_ENTRIES, Result, upgrade


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What the runs of one table row have in common. Runs of equal recipes differ by their seed alone."""

    preset: str
    mode: str
    generator: str | None
    teacher: str
    student: str
    length: int
    """Iterations, or epochs in supervised modes."""
    batch_size: int | None
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


def recipe_of_config(config: Config) -> Recipe:
    """Return the recipe that a run of this configuration will follow."""
    values: Mapping[str, Any] = upgrade(config.to_dict() | {"changes": changes(config)})
    few_shot = {name: values[name] for name in SUPERVISED_ENTRIES} if config.mode == "few-shot" else {}
    return Recipe(
        preset=config.preset,
        mode=config.mode,
        generator=config.generator if config.mode == "zero-shot" else None,
        teacher=config.teacher,
        student=config.teacher if config.mode == "teacher" else config.student,
        length=values.get("iterations", values.get("epochs")),
        batch_size=config.batch_size,
        changes=frozenset(values["changes"].items()),
        **few_shot,
    )
