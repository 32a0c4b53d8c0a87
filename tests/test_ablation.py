"""The table of ablations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zskt.cli.options import config_of
from zskt.cli.parser import parse
from zskt.experiments.config import Config
from zskt.experiments.presets import PRESETS, changes
from zskt.results.ablation import ROWS, command, is_of_a_row, render, runs_of
from zskt.results.paper_tables import Notes
from zskt.results.records import Record
from zskt.results.tables import collect


def finished(row: Config, seed: int, **found: Any) -> Record:
    kept = {name: getattr(row, name) for name in ("preset", "mode", "generator", "pseudo_batches", "batch_size")}
    scored = {"name": row.student, "agreement": 0.5 + seed / 100, "accuracy": 0.5, "auc": 0.9, "kl": 1.0}
    teacher = {"name": row.teacher, "accuracy": 0.9, "auc": 0.9}
    data = {"name": "mnist test", "sha256": None, "images": 10}
    result = kept | {"seed": seed, "changes": changes(row), "steps": 1, "teacher_queries": 2}
    return Record(Path(), result | {"data": data, "teacher": teacher, "student": scored} | found)


@pytest.mark.parametrize("name", ROWS)
def test_every_row_costs_as_much(name: str) -> None:
    row, recipe = ROWS[name], next(iter(ROWS.values()))

    def answers(config: Config) -> int:
        learns = config.generator != "strokes-prior"
        return config.pseudo_batches * (1 + (2 if learns else 1) * (config.push > 0))

    assert row.pseudo_batches * row.student_steps == pytest.approx(
        recipe.pseudo_batches * recipe.student_steps, rel=2e-3
    )
    assert answers(row) == pytest.approx(answers(recipe), rel=2e-3)


def test_rows_find_their_runs_and_the_other_tables_do_not() -> None:
    records = [finished(row, seed) for row in ROWS.values() for seed in (0, 2)]
    assert all(len(runs_of(records, row)) == 2 for row in ROWS.values())
    assert all(is_of_a_row(record) for record in records) and not collect(records)
    recipe = finished(PRESETS["mnist-lenet5-to-lenet5-half"], 0)
    assert not is_of_a_row(recipe) and len(collect([recipe])) == 1
    notes = Notes()
    lines = render(records[:2], notes).splitlines()
    assert lines[4] == "| the recipe, 300 turns | 2 | 1 | 0.5100 ± 0.0141 | 0.5000 ± 0.0000 | 1.0000 ± 0.0000 | 2 |"
    assert len(notes.commands) == len(ROWS) - 1 and "not run [1]" in lines[5]
    assert notes.commands[0].endswith("--pseudo-batches 600 --set student_steps=16 --set push=0.0")


def test_the_commands_are_the_command_lines() -> None:
    for row in ROWS.values():
        config = config_of(parse(command(row).split()))
        assert config == row
