"""Recipes of mode few-shot."""

from __future__ import annotations

import pytest

from zskt.__main__ import catalog
from zskt.experiments.few_shot_presets import few_shot
from zskt.experiments.presets import PRESETS

CATALOG = catalog()


def settings(preset: str, **arguments: object):  # type: ignore[no-untyped-def]
    config = PRESETS[preset]
    return few_shot(config, CATALOG.card(config), **arguments).settings  # type: ignore[arg-type]


def test_a_recipe_has_the_networks_of_its_preset_and_no_generator() -> None:
    preset = PRESETS["mnist-lenet5-to-lenet5-half"]
    config = few_shot(preset, CATALOG.card(preset), samples_per_class=10)
    assert (config.mode, config.method, config.generator, config.preset) == (
        *("few-shot", "supervised", None),
        "mnist-lenet5-to-lenet5-half",
    )
    assert (config.teacher, config.student) == ("mnist-lenet5", "lenet5-half")


@pytest.mark.parametrize(
    ("preset", "arguments", "expected"),
    [
        ("jets-embedded", {}, ("adamw", 2e-3, "none", 100, 40, 0.0)),
        ("mnist-lenet5-to-lenet5-half", {"samples_per_class": 10}, ("sgd", 0.03, "shift", 40, 50, 1000.0)),
        ("mnist-lenet5-to-lenet5-half", {}, ("sgd", 0.03, "shift", 20, 469, 1000.0)),
        ("mnist-lenet5-to-lenet5-half", {"init_from_run": "kd"}, ("sgd", 1e-3, "shift", 20, 469, 0.0)),
        ("svhn-wrn-40-2-to-wrn-16-1", {}, ("sgd", 0.1, "shift", 200, 572, 1000.0)),
        ("cifar10-wrn-40-2-to-wrn-16-1", {"samples_per_class": 5}, ("sgd", 0.1, "shift-mirror", 100, 100, 1000.0)),
        ("jets-embedded", {"init_from_run": "kd"}, ("adamw", 2e-4, "none", 100, 40, 0.0)),
    ],
)
def test_settings_follow_domain_and_data(
    preset: str, arguments: dict[str, object], expected: tuple[object, ...]
) -> None:
    s = settings(preset, **arguments)
    values = (s.optimizer, s.student_lr, s.augment, s.epochs, s.student_steps, s.attention_weight)
    assert values == tuple(pytest.approx(v) if isinstance(v, float) else v for v in expected)


@pytest.mark.parametrize(
    "preset", [name for name, config in PRESETS.items() if config.mode == "zero-shot" and config.teacher]
)
def test_every_preset_has_one(preset: str) -> None:
    assert settings(preset, samples_per_class=10).samples_per_class == 10
