"""The schema of ``result.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zskt.errors import UserError
from zskt.experiments.result import Result, upgrade

OLD_FEW_SHOT: dict[str, Any] = {
    "preset": "mnist-lenet5-to-lenet5-half",
    "mode": "few-shot",
    "generator": "none",
    "seed": 1,
    "pseudo_batches": 40,
    "batch_size": 128,
    "images_per_class": 10,
    "alpha": 0.9,
    "beta": 1000.0,
    "start": "scratch",
    "changes": {"growth": 1.0, "push": 0.0, "student_lr": 0.1},
    "steps": 2000,
    "teacher_answers": 200000,
    "seconds": 34.9,
    "data": {"name": "mnist test", "sha256": None, "images": 10000},
    "teacher": {"name": "mnist-lenet5", "parameters": 61706, "accuracy": 0.99, "auc": 1.0, "ms_per_image": 0.04},
    "student": {
        "name": "lenet5-half",
        "parameters": 15738,
        "accuracy": 0.93,
        "auc": 0.99,
        "agreement": 0.926,
        "kl": 0.3,
    },
}
"""As versions before the schema had a number wrote it."""


def test_an_older_layout_is_upgraded() -> None:
    new = upgrade(OLD_FEW_SHOT)
    assert (new["schema"], new["method"], new["generator"]) == (2, "supervised", None)
    assert (new["iterations"], new["teacher_queries"], new["samples_per_class"]) == (40, 200000, 10)
    assert (new["kd_fraction"], new["attention_weight"], new["init_from_run"]) == (0.9, 1000.0, "scratch")
    assert new["changes"] == {"step_growth": 1.0, "perturbation_radius": 0.0, "student_lr": 0.1}
    assert new["data"] == {"name": "mnist test", "sha256": None, "count": 10000, "unit": "image"}
    assert new["teacher"]["ms_per_sample"] == 0.04
    assert upgrade(new) == new
    assert OLD_FEW_SHOT["data"]["images"] == 10000  # the argument stays as it was


def test_a_teacher_was_trained_for_epochs_and_learned_from_data() -> None:
    new = upgrade({"mode": "teacher", "pseudo_batches": 20, "generator": "shower"})
    assert new == {"schema": 2, "mode": "teacher", "epochs": 20, "generator": None, "method": "supervised"}


def test_parts_of_a_result_are_upgraded_too() -> None:
    new = upgrade({"data": {"name": "a.root", "jets": 5}, "images": 7})
    assert new == {"schema": 2, "data": {"name": "a.root", "count": 5, "unit": "jet"}, "count": 7}


def test_a_result_is_written_as_it_is_read() -> None:
    result = Result.from_dict(OLD_FEW_SHOT, "here")
    values = json.loads(json.dumps(result.to_dict()))
    assert Result.from_dict(values, "here") == result
    assert list(values)[:5] == ["schema", "preset", "mode", "method", "generator"]
    assert values["generator"] is None and values["samples_per_class"] == 10 and "epochs" not in values
    assert "agreement" in values["student"] and "agreement" not in values["teacher"]
    assert "values" not in values["student"]


def test_only_few_shot_results_have_its_entries() -> None:
    zero_shot = {k: v for k, v in OLD_FEW_SHOT.items() if k not in ("images_per_class", "alpha", "beta", "start")}
    values = Result.from_dict(zero_shot | {"mode": "zero-shot", "generator": "image"}, "here").to_dict()
    assert not set(values) & {"samples_per_class", "kd_fraction", "attention_weight", "init_from_run", "agreements"}
    assert values["generator"] == "image" and values["method"] == "zskt"


def test_regressed_values_are_kept() -> None:
    values = {"mass": {"correlation": 0.9, "median_difference": 1.5}}
    old = OLD_FEW_SHOT | {"student": OLD_FEW_SHOT["student"] | {"values": values}}
    assert Result.from_dict(old, "here").to_dict()["student"]["values"] == values


def test_the_toy_scores_without_data() -> None:
    toy = {"preset": "toy", "mode": "toy", "seed": 0, "pseudo_batches": 30, "agreements": [0.3, 0.9]}
    toy |= {"teacher": {"accuracy": 0.9}, "student": {"agreement": 0.9}}
    result = Result.from_dict(toy, "here")
    assert result.length == 30 and result.data is None and result.to_dict()["agreements"] == [0.3, 0.9]


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ({"schema": 3}, "written by a newer zskt"),
        ({"colour": 1}, "an unknown entry 'colour'"),
        ({"data": {"name": "x", "sha256": None}}, "no entry 'data.count'"),
        ({"student": {"name": "s", "grace": 1}}, "an unknown entry 'student.grace'"),
    ],
)
def test_another_layout_is_a_mistake(spoilt: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=r"runs/a") as error:
        Result.from_dict(OLD_FEW_SHOT | spoilt, Path("runs/a"))
    assert message in str(error.value)


@pytest.mark.parametrize(("entry", "today"), [("preset", "preset"), ("seed", "seed"), ("pseudo_batches", "iterations")])
def test_a_missing_entry_is_named(entry: str, today: str) -> None:
    with pytest.raises(UserError, match=f"no entry '{today}'"):
        Result.from_dict({k: v for k, v in OLD_FEW_SHOT.items() if k != entry}, "here")
