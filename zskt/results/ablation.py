"""What each ingredient of our recipe for MNIST is worth: shorter runs without it, at equal answers and steps."""

from __future__ import annotations

from typing import Any

from zskt.experiments.config import Config
from zskt.experiments.presets import PRESETS, changes
from zskt.results.paper_tables import Notes, Row, table
from zskt.results.records import Record, spread

RECIPE = "mnist-lenet5-to-lenet5-half"
_SHORT = PRESETS[RECIPE].with_(pseudo_batches=300)

ROWS: dict[str, Config] = {
    "the recipe, 300 turns": _SHORT,
    # Without a push an image costs one answer instead of two: twice as many of them.
    "no push": _SHORT.with_(push=0.0, pseudo_batches=600, student_steps=16),
    "the paper's network instead of strokes": _SHORT.with_(
        generator="image", coverage=2.0, pseudo_batches=200, student_steps=48
    ),
    "strokes moved by an adversary too": _SHORT.with_(
        generator="strokes", generator_lr=3e-3, coverage=5.0, certainty=3.0, pseudo_batches=200, student_steps=48
    ),
    "no replay": _SHORT.with_(replay=0.0),
    "no growth of the student's steps": _SHORT.with_(growth=0.0),
    "no balance of classes in replay": _SHORT.with_(balance=0.0),
    "temperature 1": _SHORT.with_(temperature=1.0),
    "no warm-up": _SHORT.with_(warmup=0.0),
    "no average of students": _SHORT.with_(average=0.0),
}
"""A generator that learns takes an answer more of each image: two thirds as many of them."""


def runs_of(records: list[Record], row: Config) -> list[Record]:
    """Finished runs of a row, which differ by their seed alone."""
    facts: dict[str, Any] = {
        name: getattr(row, name) for name in ("preset", "mode", "generator", "pseudo_batches", "batch_size")
    }
    facts["changes"] = changes(row)
    return [record for record in records if all(record.result.get(name) == facts[name] for name in facts)]


def is_of_a_row(record: Record) -> bool:
    """Whether the run was made for this table."""
    return any(runs_of([record], row) for row in ROWS.values())


def command(row: Config) -> str:
    """What makes it, behind ``python train.py``."""
    named = PRESETS[row.preset]
    told = f"--mode zero-shot --preset {row.preset} --pseudo-batches {row.pseudo_batches}"
    told += "" if row.generator == named.generator else f" --generator {row.generator}"
    return told + "".join(f" --set {name}={value}" for name, value in changes(row).items())


def render(records: list[Record], notes: Notes) -> str:
    """The table."""
    rows: list[Row] = []
    for name, recipe in ROWS.items():
        found = [record.result for record in runs_of(records, recipe)]
        if not found:
            rows.append([name, *["–"] * 2, notes.missing(command(recipe)), *["–"] * 3])
            continue
        costs = [f"{found[0][key]:,}".replace(",", " ") for key in ("teacher_queries", "steps")]
        cells = [spread([run["student"][key] for run in found]) for key in ("agreement", "accuracy", "kl")]
        rows.append([name, *costs, *cells, str(len(found))])
    head = ["", "teacher's answers", "student's steps", "agreement", "accuracy", "KL (nats)", "n"]
    return f"**What each ingredient of `{RECIPE}` is worth**\n\n" + table(head, rows)
