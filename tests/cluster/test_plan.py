"""Which runs a sweep has, what they are called, and which teachers come first."""

from __future__ import annotations

from typing import Any

import pytest

from zskt.__main__ import catalog
from zskt.cluster.plan import plan
from zskt.errors import UserError

KNOWN = catalog()


def names(*arguments: Any, **more: Any) -> list[str]:
    return [run.name for run in plan(*arguments, KNOWN, **more)]


def test_presets_times_methods_times_seeds() -> None:
    assert names(["jets-embedded", "jetclass-kin"], ["zskt", "kd"], [0, 1]) == [
        "zero-shot-jets-embedded-zskt-seed0",
        "kd-jets-embedded-kd-seed0",
        "zero-shot-jets-embedded-zskt-seed1",
        "kd-jets-embedded-kd-seed1",
        "zero-shot-jetclass-kin-zskt-seed0",
        "kd-jetclass-kin-kd-seed0",
        "zero-shot-jetclass-kin-zskt-seed1",
        "kd-jetclass-kin-kd-seed1",
    ]
    assert names(["jets-embedded"], [], [0, 0]) == ["zero-shot-jets-embedded-zskt-seed0"], "none twice"
    assert names(["jets-embedded"], ["supervised"], [3]) == ["few-shot-jets-embedded-supervised-seed3"]


def test_a_teacher_that_nobody_publishes_is_trained_once_and_first() -> None:
    pairs = ["cifar10-wrn-16-2-to-wrn-16-1", "cifar10-wrn-16-2-to-wrn-16-1-paper"]
    card = KNOWN.teachers["cifar10-wrn-16-2"]
    runs = plan(pairs, [], [0, 1], KNOWN)
    try:
        card.files()
    except UserError:
        assert runs[0].name == "teacher-cifar10-wrn-16-2-seed0" and len(runs) == 5
        assert {run.needs for run in runs[1:]} == {runs[0].name} and not runs[0].takes_recipe
    else:
        assert len(runs) == 4 and not any(run.needs for run in runs)
    assert len(plan(pairs, [], [0, 1], KNOWN, has_teacher_file=True)) == 4


def test_teachers_alone_take_the_recipe_of_the_command_line() -> None:
    assert [run.takes_recipe for run in plan(["mnist-lenet5"], [], [0, 1], KNOWN)] == [True, True]
    mixed = plan(["mnist-lenet5-to-lenet5-half", "mnist-lenet5"], [], [0], KNOWN)
    assert [(run.mode, run.takes_recipe) for run in mixed] == [("teacher", False), ("zero-shot", True)]


def test_data_are_for_those_that_learn_from_them_where_test_samples_are_another_file() -> None:
    assert [run.takes_data for run in plan(["jets-embedded"], ["zskt", "kd"], [0], KNOWN)] == [False, True]
    assert [run.takes_data for run in plan(["jets-embedded"], ["zskt", "dafl"], [0], KNOWN)] == [True, True]
    images = plan(["mnist-lenet5-to-lenet5-half"], ["zskt", "kd"], [0], KNOWN, has_teacher_file=True)
    assert [run.takes_data for run in images] == [True, True]


def test_unknown_names_are_told() -> None:
    with pytest.raises(UserError, match="unknown preset 'jets-embeded': did you mean jets-embedded"):
        names(["jets-embeded"], [], [0])
    with pytest.raises(UserError, match="unknown method 'zsk'"):
        names(["jets-embedded"], ["zsk"], [0])
