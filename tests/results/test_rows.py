"""Rows of tables."""

from __future__ import annotations

from typing import Any

import pytest

from zskt.experiments.result import NetworkScores, ScoredSamples
from zskt.results.rows import group

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
