"""What each ingredient of our recipe for MNIST is worth: shorter runs without it, at equal cost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from zskt.experiments.catalog import Catalog
from zskt.experiments.recipe import Recipe, recipe_of_config
from zskt.markdown import NO_VALUE, integer, table
from zskt.results.missing import MissingRuns
from zskt.results.records import Record
from zskt.results.rows import group
from zskt.results.told_apart import runs_of

ABLATED_PRESET = "mnist-lenet5-to-lenet5-half"
HEAD = ("", "teacher queries", "student steps", "agreement", "accuracy", "KL (nats)", "seeds")


@dataclass(frozen=True)
class Ablation:
    """A variant of the preset."""

    iterations: int = 300
    generator: str | None = None
    """None: the preset's."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Settings that differ from the preset."""


ABLATIONS: dict[str, Ablation] = {
    "the recipe, 300 iterations": Ablation(),
    # Without a perturbation an image costs one query instead of two: twice as many images.
    "no perturbation": Ablation(600, changes={"student_steps": 16, "perturbation_radius": 0.0}),
    "the paper's network instead of strokes": Ablation(
        200, generator="image", changes={"student_steps": 48, "class_entropy_weight": 2.0}
    ),
    "strokes moved by a trained generator too": Ablation(
        200,
        generator="strokes",
        changes={
            "student_steps": 48,
            "class_entropy_weight": 5.0,
            "confidence_weight": 3.0,
            "generator_lr": 3e-3,
        },
    ),
    "no replay": Ablation(changes={"replay_fraction": 0.0}),
    "no growth of the student steps": Ablation(changes={"step_growth": 0.0}),
    "no balance of classes in replay": Ablation(changes={"replay_balance": 0.0}),
    "temperature 1": Ablation(changes={"temperature": 1.0}),
    "no warm-up": Ablation(changes={"warmup": 0.0}),
    "no moving average of students": Ablation(changes={"ema_decay": 0.0}),
}
"""Rows of the table. A generator that learns costs one more query per image: two thirds as many images."""


def recipe_of(ablation: Ablation, catalog: Catalog) -> Recipe:
    """Return the recipe that a row's runs follow."""
    full = recipe_of_config(catalog.presets[ABLATED_PRESET], catalog)
    generator = ablation.generator or full.generator
    changes = frozenset(ablation.changes.items())
    return replace(full, length=ablation.iterations, generator=generator, changes=changes)


def recipes(catalog: Catalog) -> set[Recipe]:
    """Return the recipes of all rows; empty where the catalog does not have the preset."""
    return {recipe_of(row, catalog) for row in ABLATIONS.values()} if ABLATED_PRESET in catalog.presets else set()


def command(ablation: Ablation) -> str:
    """Return what makes a row's run, behind ``python train.py``."""
    flags = f"--mode zero-shot --preset {ABLATED_PRESET} --iterations {ablation.iterations}"
    flags += "" if ablation.generator is None else f" --generator {ablation.generator}"
    return flags + "".join(f" --set {name}={value}" for name, value in ablation.changes.items())


def ablation_table(records: list[Record], missing: MissingRuns, catalog: Catalog) -> str:
    """Return the table with its headline."""
    lines = []
    for name, ablation in ABLATIONS.items():
        rows = group(runs_of(records, recipe_of(ablation, catalog)))
        if not rows:
            lines.append([name, NO_VALUE, NO_VALUE, missing.cite(command(ablation)), *[NO_VALUE] * 3])
            continue
        row = rows[0]
        costs = (integer(row.runs[0].teacher_queries), integer(row.runs[0].steps))
        lines.append([name, *costs, *(row.cell(key) for key in ("agreement", "accuracy", "kl")), str(len(row.runs))])
    return f"**What each ingredient of `{ABLATED_PRESET}` is worth**\n\n{table(HEAD, lines)}"
