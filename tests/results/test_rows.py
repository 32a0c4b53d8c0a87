"""Rows of tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from zskt.experiments.result import NetworkScores, ScoredSamples
from zskt.results.rows import group
from zskt.storage.files import write_json

from .conftest import record


def test_seeds_make_a_row_and_other_test_samples_another() -> None:
    other = ScoredSamples(name="jets.root", sha256="cd", count=5, unit="jet")
    rows = group([record(seed=0), record(seed=1), record(seed=0, data=other), record(mode="teacher")])
    assert [len(row.runs) for row in rows] == [2, 1]
    scores = [NetworkScores(name="s", agreement=value, accuracy=None) for value in (0.5, 0.7)]
    (row,) = group([record(seed=i, student=student) for i, student in enumerate(scores)])
    assert row.cell("agreement") == "0.6000 ± 0.1414" and row.cell("accuracy") == "–"
    nothing = ScoredSamples(name="mnist test", sha256=None, count=0, unit="image", missing="no network")
    assert group([record(data=nothing)]) == []


def test_budgets_and_samples_that_were_learned_from_make_rows_of_their_own(tmp_path: Path) -> None:
    budgets = group([record(seed=0, queries=100), record(seed=1, queries=100), record(seed=0, queries=5000), record()])
    assert [(row.label, len(row.runs)) for row in budgets] == [
        ("mlp, 100 queries", 2), ("mlp, 5 000 queries", 1), ("mlp", 1)
    ]  # fmt: skip
    learned: list[Any] = []
    for i, (name, sha256) in enumerate([("a.root", "11"), (None, None), ("a.root", "11"), ("b.root", "22")]):
        folder = tmp_path / str(i)
        folder.mkdir()
        if sha256:
            write_json(folder / "config.json", {"files": {"data": {"path": f"/d/{name}", "sha256": sha256}}})
        learned.append(replace(record(mode="kd", generator=None, seed=i), folder=folder))
    (row,) = group(learned[:3])  # one that recorded nothing is of the only samples that are known
    assert (row.label, len(row.runs)) == ("data (kd)", 3)
    rows = {row.label: len(row.runs) for row in group(learned)}
    assert rows == {"data (kd), data a.root": 2, "data (kd)": 1, "data (kd), data b.root": 1}


def test_a_teacher_that_only_answers_makes_a_row_and_a_seed_counts_once() -> None:
    rows = group([record(), record(seed=1), record(seed=1), record(seed=1, teacher_access="probabilities")])
    assert [(row.label, len(row.runs)) for row in rows] == [("mlp", 2), ("mlp, probabilities alone", 1)]


def test_runs_of_another_precision_make_a_row(tmp_path: Path) -> None:
    runs = []
    for i, config in enumerate([{}, {"precision": "float32"}, {"precision": "bf16"}]):
        folder = tmp_path / str(i)
        folder.mkdir()
        write_json(folder / "config.json", config)
        runs.append(replace(record(seed=i), folder=folder))
    assert [(row.label, len(row.runs)) for row in group(runs)] == [("mlp", 2), ("mlp, bf16", 1)]


JPEG = ScoredSamples(name="cifar10 test (cifar10-jpeg)", sha256="", count=1, unit="image")
FEW: dict[str, Any] = {"mode": "few-shot", "generator": None, "init_from_run": "scratch", "samples_per_class": 0}


@pytest.mark.parametrize(
    ("entries", "label"),
    [
        ({}, "mlp"),
        ({"mode": "kd", "generator": None}, "data (kd)"),
        (FEW | {"kd_fraction": 0.0, "attention_weight": 0.0}, "data, labels alone"),
        (FEW | {"kd_fraction": 0.9, "attention_weight": 0.0}, "data (KD)"),
        (FEW | {"kd_fraction": 0.9, "attention_weight": 1.0}, "data (KD+AT)"),
        (
            FEW | {"kd_fraction": 0.9, "attention_weight": 1.0, "init_from_run": "zero-shot p"},
            "data (KD+AT), from a zero-shot student",
        ),
        ({"changes": {"warmup": 0.0, "init_from_teacher": False}}, "mlp, warmup = 0, init_from_teacher = False"),
        (
            {"data": ScoredSamples(name="cifar10 test (cifar10-jpeg)", sha256="", count=1, unit="image")},
            "mlp (JPEG copy)",
        ),
    ],
)
def test_a_label_says_what_the_student_learned_from(entries: dict[str, Any], label: str) -> None:
    (row,) = group([record(**entries)])
    assert row.label == label
