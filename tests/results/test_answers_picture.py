"""The picture of what more answers of a teacher bring."""

from __future__ import annotations

from typing import Any

import pytest

from zskt.experiments.result import NetworkScores, ScoredSamples
from zskt.results.answers_picture import answers_picture, series_of
from zskt.results.rows import Row, group

from .conftest import record


def student(agreement: float) -> NetworkScores:
    return NetworkScores(name="pfn", parameters=1, agreement=agreement, kl=1 - agreement)


def rows(*entries: dict[str, Any]) -> list[Row]:
    return group([record(**more) for more in entries])


def run(iterations: int, agreement: float, seed: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "iterations": iterations, "teacher_queries": 100 * iterations, "seed": seed, "student": student(agreement),
        "generator": "shower",
    } | more  # fmt: skip


KD = {"mode": "kd", "method": "kd", "generator": None}


def test_points_are_means_over_seeds_in_the_order_of_answers() -> None:
    figure = answers_picture(rows(run(40, 0.7), run(20, 0.5), run(20, 0.6, seed=1), run(30, 0.8, **KD)))
    assert figure is not None
    agreement, divergence = figure.axes
    free, data = agreement.containers
    assert list(free[0].get_xdata()) == [2000, 4000] and list(free[0].get_ydata()) == pytest.approx([0.55, 0.7])
    assert list(data[0].get_xdata()) == [3000] and list(data[0].get_ydata()) == [0.8]
    assert list(divergence.containers[0][0].get_ydata()) == pytest.approx([0.45, 0.3])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no data: prior and adversary", "data (kd)"]


def test_one_length_changed_recipes_and_small_samples_make_no_curve() -> None:
    assert answers_picture(rows(run(20, 0.5), run(30, 0.8, **KD), run(60, 0.8, **KD))) is None
    assert answers_picture(rows(run(20, 0.5), run(40, 0.6, changes={"student_lr": 1.0}))) is None
    few = ScoredSamples(name="few.root", sha256="0", count=3, unit="jet")
    assert answers_picture(rows(run(20, 0.5), run(40, 0.6, data=few))) is None


@pytest.mark.parametrize(
    ("entries", "label"),
    [
        ({"generator": "shower-mix", "method": "prior-only"}, "no data: prior, its mix by rewards"),
        ({"generator": "shower-prior"}, "no data: prior alone"),
        ({"mode": "kd", "method": "kd", "generator": None, "answers": 10}, "no data: prior alone"),
        ({"generator": "noise"}, ""),
        ({"generator": "shower", "method": "dafl"}, ""),
    ],
)
def test_who_belongs_to_which_series(entries: dict[str, Any], label: str) -> None:
    (row,) = rows(entries)
    assert series_of(row) == label
