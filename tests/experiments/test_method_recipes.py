"""Recipes of methods: nothing of another method's settings is carried over, and the nearest recipe counts."""

from __future__ import annotations

import math

import pytest
import torch

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
    remark,
    summaries,
)
from zskt.experiments.presets import changes
from zskt.losses import logit_distance, recovered_logits
from zskt.methods import METHODS
from zskt.methods.dafl import DAFLConfig
from zskt.optim import sgd

CATALOG = catalog()
RESNET20 = CATALOG.presets["cifar10-resnet20-to-resnet8"]


def test_dafl_keeps_the_weight_without_which_it_collapses() -> None:
    assert RESNET20.settings.class_entropy_weight == 0.0
    dafl = RESNET20.with_method("dafl", "images")
    assert dafl.settings == DAFLConfig(class_entropy_weight=5.0)  # in which recorded runs are
    assert DAFLConfig().class_entropy_weight == pytest.approx(5 / math.log(10))  # the code's, to base 10
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


LITERATURE = {
    ("cifar10-resnet34-to-resnet18", "dfme"): {"batch_size": 256, "optimizer": "sgd", "schedule": "drops-10-30-50"},
    ("cifar10-resnet34-to-resnet18", "maze"): {"batch_size": 128, "student_lr": 0.1, "schedule": "cosine"},
    ("cifar10-resnet34-to-resnet18", "disguide"): {"replay_size": 1_000_000, "diversity_weight": 0.2},
    ("cifar100-resnet34-to-resnet18", "disguide"): {"iterations": 39_062, "diversity_weight": 0.04},
    ("cifar10-wrn-40-2-to-wrn-16-1", "hard-label"): {"generator_steps": 5, "batch_size": 250, "schedule": "constant"},
    ("cifar10-resnet34-to-resnet18", "fast"): {"one_hot_weight": 0.5, "adversarial_weight": 1.33},
    ("cifar100-resnet34-to-resnet18-paper", "fast"): {"one_hot_weight": 0.5, "adversarial_weight": 1.33},
    ("cifar10-wrn-40-2-to-wrn-16-1", "fast"): {"one_hot_weight": 0.4, "adversarial_weight": 1.1},
    ("cifar100-wrn-40-2-to-wrn-16-2", "adadfkd"): {"curriculum_growth": 2e-5},
    ("cifar100-resnet34-to-resnet18", "adadfkd"): {"curriculum_growth": 2e-5, "batch_size": 768},
    ("cifar10-wrn-40-2-to-wrn-16-2", "adadfkd"): {"curriculum_growth": 1e-4, "batch_size": 1024},
    ("cifar10-wrn-40-2-to-wrn-16-2", "dfq"): {"weight_decay": 1e-4, "class_entropy_weight": 20.0},
    ("cifar100-wrn-40-2-to-wrn-16-2", "dafl"): {"class_entropy_weight": pytest.approx(20 / math.log(10))},
    ("cifar10-wrn-40-2-to-wrn-16-2", "pre-dfkd"): {"class_entropy_weight": pytest.approx(5 / math.log(10))},
}
"""What the published codes and scripts have, where a method's default is not it, or was not."""


@pytest.mark.parametrize(("preset", "method"), LITERATURE)
def test_the_pairs_of_the_literature_take_the_papers_settings(preset: str, method: str) -> None:
    settings = CATALOG.presets[preset].with_method(method, "images").settings
    for name, value in LITERATURE[preset, method].items():
        assert getattr(settings, name) == value, name


@pytest.mark.parametrize(
    ("preset", "method", "queries"),
    [
        ("cifar10-resnet34-to-resnet18", "dfme", 20_000_000),
        ("svhn-wrn-40-2-to-wrn-16-1", "dfme", 2_000_000),
        ("cifar10-resnet34-to-resnet18", "maze", 5_000_000),
        ("cifar10-resnet34-to-resnet18", "disguide", 20_000_000),
        ("cifar100-resnet34-to-resnet18", "disguide", 10_000_000),
        ("cifar10-resnet34-to-resnet18", "hard-label", 100_000),
    ],
)
def test_a_black_box_of_the_literature_asks_what_its_paper_asks(preset: str, method: str, queries: int) -> None:
    config = CATALOG.presets[preset].with_method(method, "images").settings
    asked = METHODS[method].queries_of(config)
    assert asked is not None and queries - config.batch_size * 16 < asked <= queries


def test_a_rate_over_k_is_the_step_of_a_loss_that_is_averaged_over_k_classes() -> None:
    """The codes of DFME and DisGUIDE average the L1 distance over classes; ours sums it."""
    recipe = RECIPES["literature", "dfme"].settings
    torch.manual_seed(0)
    weights, teacher = torch.randn(10), torch.randn(4, 10)
    after = []
    for lr, decay, share in ((0.1, 5e-4, 1 / 10), (recipe["student_lr"], recipe["weight_decay"], 1.0)):
        logits = torch.nn.Parameter(weights.clone())
        optimizer = sgd([logits], lr, decay)
        for _ in range(3):
            optimizer.zero_grad()
            (share * logit_distance(teacher, recovered_logits(logits.expand(4, 10))).mean()).backward()
            optimizer.step()
        after.append(logits.detach())
    assert torch.allclose(*after, atol=1e-6) and not torch.allclose(after[0], weights, atol=1e-2)


def test_a_remark_names_every_weight_that_is_not_the_papers() -> None:
    assert remark("dfad", {"iterations": 500, "batch_size": 128}) == "the paper's weights"
    said = RECIPES["images", "deepinversion"].summary
    assert said.endswith(
        "; in place of the paper's: adversarial_weight=1 (0), bn_weight=1 (100), synthesis_steps=20 (2000), "
        "temperature=4 (3)"
    )
    assert RECIPES["vectors", "dfad"].summary.endswith("; the paper's weights")  # that of jets is not
    assert "adversarial_weight=0.03 (1)" in RECIPES["jets", "dfad"].summary
