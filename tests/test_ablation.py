"""The table of ablations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from train import parse
from zskt.ablation import TABLES, command, is_of_a_row, render, runs_of
from zskt.config import Config
from zskt.flags import config_of
from zskt.paper import Notes
from zskt.presets import PRESETS, changes
from zskt.records import Record
from zskt.tables import collect

ROWS = [(recipe, name) for recipe, rows in TABLES.items() for name in rows]


def finished(row: Config, seed: int, **found: Any) -> Record:
    kept = {name: getattr(row, name) for name in ("preset", "mode", "generator", "pseudo_batches", "batch_size")}
    scored = {"name": row.student, "agreement": 0.5 + seed / 100, "accuracy": 0.5, "auc": 0.9, "kl": 1.0}
    teacher = {"name": row.teacher, "accuracy": 0.9, "auc": 0.9}
    data = {"name": "mnist test", "sha256": None, "images": 10}
    result = kept | {"seed": seed, "changes": changes(row), "steps": 1, "teacher_answers": 2}
    return Record(Path(), result | {"data": data, "teacher": teacher, "student": scored} | found)


@pytest.mark.parametrize(("recipe", "name"), ROWS)
def test_every_row_costs_as_much(recipe: str, name: str) -> None:
    row, whole = TABLES[recipe][name], next(iter(TABLES[recipe].values()))

    def steps(config: Config) -> int:
        return config.pseudo_batches * config.student_steps

    def answers(config: Config) -> int:
        learns = not config.generator.endswith("-prior")
        asked = config.pseudo_batches * (1 + (2 if learns else 1) * (config.push > 0))
        return asked + (steps(config) if config.hint or config.cutmix else 0)

    assert steps(row) == pytest.approx(steps(whole), rel=2e-3)
    assert answers(row) == pytest.approx(answers(whole), rel=2e-3)


def test_rows_find_their_runs_and_the_other_tables_do_not() -> None:
    rows = [row for table in TABLES.values() for row in table.values()]
    records = [finished(row, seed) for row in rows for seed in (0, 2)]
    assert all(len(runs_of(records, row)) == 2 for row in rows)
    assert all(is_of_a_row(record) for record in records) and not collect(records)
    for recipe in TABLES:
        whole = finished(PRESETS[recipe], 0)
        assert not is_of_a_row(whole) and len(collect([whole])) == 1


def test_the_tables_show_what_was_run_and_the_commands_of_the_rest() -> None:
    mnist = list(TABLES["mnist-lenet5-to-lenet5-half"].values())
    notes = Notes()
    lines = render([finished(mnist[0], seed) for seed in (0, 2)], notes).splitlines()
    assert lines[4] == "| the recipe, 300 turns | 2 | 1 | 0.5100 ± 0.0141 | 0.5000 ± 0.0000 | 1.0000 ± 0.0000 | 2 |"
    assert len(notes.commands) == len(ROWS) - 1 and "not run [1]" in lines[5]
    assert notes.commands[0].endswith("--pseudo-batches 600 --set student_steps=16 --set push=0.0")


@pytest.mark.parametrize(("recipe", "name"), ROWS)
def test_the_commands_are_the_command_lines(recipe: str, name: str) -> None:
    row = TABLES[recipe][name]
    assert config_of(parse(command(row).split())) == row
