"""What each ingredient of our recipes for images is worth: shorter runs without it, at equal answers and steps."""

from __future__ import annotations

from typing import Any

from .config import Config
from .paper import Notes, Row, table
from .presets import PRESETS, changes
from .records import Record, spread


def _mnist(short: Config) -> dict[str, Config]:
    return {
        # Without a push an image costs one answer instead of two: twice as many of them.
        "no push": short.with_(push=0.0, pseudo_batches=600, student_steps=16),
        # A generator that learns takes an answer more of each image: two thirds as many of them.
        "the paper's network instead of strokes": short.with_(
            generator="image", coverage=2.0, pseudo_batches=200, student_steps=48
        ),
        "strokes moved by an adversary too": short.with_(
            generator="strokes", generator_lr=3e-3, coverage=5.0, certainty=3.0, pseudo_batches=200, student_steps=48
        ),
        "no replay": short.with_(replay=0.0),
        "no growth of the student's steps": short.with_(growth=0.0),
        "no balance of classes in replay": short.with_(balance=0.0),
        "temperature 1": short.with_(temperature=1.0),
        "no warm-up": short.with_(warmup=0.0),
        "no average of students": short.with_(average=0.0),
    }


def _shortened(preset: str, turns: int) -> Config:
    return PRESETS[preset].with_(pseudo_batches=turns)


_TABLES = (("mnist-lenet5-to-lenet5-half", 300, _mnist),)
TABLES: dict[str, dict[str, Config]] = {
    recipe: {f"the recipe, {turns} turns": _shortened(recipe, turns)} | without(_shortened(recipe, turns))
    for recipe, turns, without in _TABLES
}
"""Of each recipe the rows, itself first."""


def runs_of(records: list[Record], row: Config) -> list[Record]:
    """Finished runs of a row, which differ by their seed alone."""
    facts: dict[str, Any] = {
        name: getattr(row, name) for name in ("preset", "mode", "generator", "pseudo_batches", "batch_size")
    }
    facts["changes"] = changes(row)
    return [record for record in records if all(record.result.get(name) == facts[name] for name in facts)]


def is_of_a_row(record: Record) -> bool:
    """Whether the run was made for this table."""
    return any(runs_of([record], row) for rows in TABLES.values() for row in rows.values())


def command(row: Config) -> str:
    """What makes it, behind ``python train.py``."""
    named = PRESETS[row.preset]
    told = f"--mode zero-shot --preset {row.preset} --pseudo-batches {row.pseudo_batches}"
    told += "" if row.generator == named.generator else f" --generator {row.generator}"
    return told + "".join(f" --set {name}={value}" for name, value in changes(row).items())


def render(records: list[Record], notes: Notes) -> str:
    """The tables."""
    return "\n\n".join(_of(recipe, rows, records, notes) for recipe, rows in TABLES.items())


def _of(recipe: str, ablated: dict[str, Config], records: list[Record], notes: Notes) -> str:
    rows: list[Row] = []
    for name, row in ablated.items():
        found = [record.result for record in runs_of(records, row)]
        if not found:
            rows.append([name, *["–"] * 2, notes.missing(command(row)), *["–"] * 3])
            continue
        costs = [f"{found[0][key]:,}".replace(",", " ") for key in ("teacher_answers", "steps")]
        cells = [spread([run["student"][key] for run in found]) for key in ("agreement", "accuracy", "kl")]
        rows.append([name, *costs, *cells, str(len(found))])
    head = ["", "teacher's answers", "student's steps", "agreement", "accuracy", "KL (nats)", "n"]
    return f"**What each ingredient of `{recipe}` is worth**\n\n" + table(head, rows)
