"""Recipes of methods: nothing of another method's settings is carried over, and the nearest recipe counts."""

from __future__ import annotations

import pytest

from zskt.__main__ import catalog
from zskt.experiments.config import RunConfig
from zskt.experiments.method_recipes import (
    RECIPES,
    THE_PRESETS,
    TRAINABLE,
    VARIANT_SUMMARIES,
    VARIANTS,
    MethodRecipe,
    places_of,
    recipe_of,
    summaries,
)
from zskt.experiments.presets import changes
from zskt.methods import METHODS
from zskt.methods.dafl import DAFLConfig

CATALOG = catalog()
RESNET20 = CATALOG.presets["cifar10-resnet20-to-resnet8"]


def test_dafl_keeps_the_weight_without_which_it_collapses() -> None:
    assert RESNET20.settings.class_entropy_weight == 0.0
    dafl = RESNET20.with_method("dafl", "images")
    assert dafl.settings == DAFLConfig() and dafl.settings.class_entropy_weight == 5.0
    assert dafl.generator == "image"  # the preset's own has nothing to train
    assert (dafl.teacher, dafl.student, dafl.seed) == (RESNET20.teacher, RESNET20.student, RESNET20.seed)


def test_methods_with_data_keep_what_both_have() -> None:
    kd = RESNET20.with_method("kd", "images")
    assert kd.settings.temperature == RESNET20.settings.temperature == 4.0 and kd.generator is None


def test_the_presets_own_method_is_the_preset() -> None:
    assert RESNET20.with_method("zskt", "images") is RESNET20


def test_the_papers_recipe_of_our_method() -> None:
    paper = RESNET20.with_method("zskt-paper", "images")
    assert paper.method == "zskt" and paper.generator == "image"
    assert paper.settings.replay_fraction == 0.0 and paper.settings.attention_weight == 2500.0
    assert paper.settings.init_from_teacher is False and paper.settings.cutmix == 0.0
    published = CATALOG.presets["cifar10-resnet20-to-resnet8-paper"].settings
    assert paper.settings == published


@pytest.mark.parametrize(
    ("preset", "domain", "places"),
    [
        ("jetclass-kin", "jets", ("jetclass-kin", "jets", "")),
        ("cifar10-resnet20-to-resnet8", "images", ("cifar10-resnet20-to-resnet8", "images", "")),
        (
            "cifar100-wrn-40-2-to-wrn-16-1",
            "images",
            ("cifar100-wrn-40-2-to-wrn-16-1", "cifar100-literature", "literature", "images", ""),
        ),
        (
            "fashion-mnist-lenet5-to-lenet5-half-paper",
            "images",
            ("fashion-mnist-lenet5-to-lenet5-half-paper", "fashion-mnist-literature", "literature", "images", ""),
        ),
    ],
)
def test_where_recipes_stand(preset: str, domain: str, places: tuple[str, ...]) -> None:
    assert places_of(preset, domain) == places


def test_the_nearest_recipe_counts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {
        ("jets", "dafl"): MethodRecipe(settings={"batch_size": 7, "iterations": 3}, generator="mlp"),
        ("jetclass-kin", "dafl"): MethodRecipe(settings={"batch_size": 9}),
    }
    monkeypatch.setattr("zskt.experiments.method_recipes.RECIPES", table)
    assert recipe_of("tagger", "dafl", "jets").settings == {"batch_size": 7, "iterations": 3}
    near = CATALOG.presets["jetclass-kin"].with_method("dafl", "jets")
    assert (near.settings.batch_size, near.settings.iterations) == (9, DAFLConfig().iterations)
    assert near.generator == "shower"
    assert CATALOG.presets["tagger"].with_method("dafl", "jets").generator == "mlp"


def test_a_method_that_trains_no_generator_keeps_the_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {("", "dafl"): MethodRecipe(generator=THE_PRESETS)}
    monkeypatch.setattr("zskt.experiments.method_recipes.RECIPES", table)
    assert RESNET20.with_method("dafl", "images").generator == RESNET20.generator == "things-prior"


def test_without_a_recipe_or_a_domain_the_defaults_remain() -> None:
    config = RunConfig(preset="test", generator="shower").with_method("dafl")
    assert config.settings == DAFLConfig() and config.generator == "shower"


@pytest.mark.parametrize(("place", "method"), RECIPES)
def test_every_recipe_is_of_a_place_a_method_and_settings_that_exist(place: str, method: str) -> None:
    recipe = RECIPES[place, method]
    if VARIANTS.get(method, method) not in METHODS:
        pytest.skip(f"{method} is not there yet")
    METHODS[VARIANTS.get(method, method)].Config(**recipe.settings)
    known = set(CATALOG.presets) | set(TRAINABLE) | {"literature", ""}
    assert place in known or place.removesuffix("-literature") in ("cifar10", "cifar100", "svhn", "mnist")
    assert recipe.summary and recipe.generator in {None, THE_PRESETS, *CATALOG.generators}


def test_variants_are_listed() -> None:
    assert set(VARIANTS) == set(VARIANT_SUMMARIES) and not set(VARIANTS) & set(METHODS)
    assert summaries(METHODS)["images + zskt-paper"] == RECIPES["images", "zskt-paper"].summary


def test_trained_generators_fit_their_domains_and_learn() -> None:
    for domain, name in TRAINABLE.items():
        assert CATALOG.generators[name].domain == domain


def test_a_run_of_a_recipe_has_no_changes() -> None:
    card = CATALOG.teachers[RESNET20.teacher]
    assert changes(RESNET20.with_method("dafl", "images"), CATALOG.presets, card) == {}
    changed = RESNET20.with_method("dafl", "images").with_(generator_lr=0.5)
    assert changes(changed, CATALOG.presets, card) == {"generator_lr": 0.5}


def test_recipes_of_methods_that_are_not_there_are_not_listed() -> None:
    assert set(summaries([])) == {name for name in summaries(METHODS) if name.endswith("zskt-paper")}


def test_ours_without_the_adversary_keeps_settings_and_prior() -> None:
    prior = RESNET20.with_method("prior-only", "images")
    assert prior.generator == "things-prior" and prior.settings.temperature == 4.0
    assert prior.settings.step_growth == RESNET20.settings.step_growth == 1.0
