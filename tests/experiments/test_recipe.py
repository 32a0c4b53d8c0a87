"""When two runs are of one recipe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.results.conftest import result
from zskt.__main__ import catalog
from zskt.experiments.few_shot_presets import few_shot
from zskt.experiments.recipe import recipe_of_config, recipe_of_result
from zskt.experiments.result import NetworkScores

RUN = result(changes={"warmup": 0.5})


@pytest.mark.parametrize("entries", [{"seed": 7}, {"seconds": 9.0}, {"student": NetworkScores(name="s", kl=0.1)}])
def test_runs_of_one_recipe_differ_by_seed_cost_and_scores(entries: dict[str, Any]) -> None:
    assert recipe_of_result(replace(RUN, **entries)) == recipe_of_result(RUN)


@pytest.mark.parametrize(
    "entries",
    [
        {"preset": "q"},
        {"generator": "noise"},
        {"iterations": 11},
        {"batch_size": 64},
        {"changes": {}},
        {"changes": {"warmup": 0.25}},
        {"teacher": NetworkScores(name="u")},
        {"student": NetworkScores(name="u")},
        {"samples_per_class": 10},
    ],
)
def test_other_settings_make_another_recipe(entries: dict[str, Any]) -> None:
    assert recipe_of_result(replace(RUN, **entries)) != recipe_of_result(RUN)


def test_a_configuration_has_the_recipe_that_its_result_will_have() -> None:
    shipped = catalog()
    preset = shipped.presets["mnist-lenet5-to-lenet5-half"]
    recipe = recipe_of_config(preset, shipped)
    assert (recipe.mode, recipe.generator, recipe.changes) == ("zero-shot", "strokes-prior", frozenset())
    assert recipe.samples_per_class is None
    learned = recipe_of_config(few_shot(preset, shipped.card(preset), samples_per_class=25), shipped)
    assert (learned.generator, learned.samples_per_class, learned.init_from_run) == (None, 25, "scratch")
    trained = recipe_of_config(shipped.presets["mnist-lenet5"], shipped)
    assert (trained.teacher, trained.student, trained.length) == ("mnist-lenet5", "mnist-lenet5", 20)
