"""Configurations: settings of the run and of its method, and files of earlier versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zskt.errors import UserError
from zskt.experiments.config import RunConfig
from zskt.methods.kd import KDConfig
from zskt.methods.supervised import SupervisedConfig
from zskt.methods.zskt import ZSKTConfig

RECORDED = Path(__file__).parent / "recorded"
"""Flat ``config.json``, as versions before methods had settings of their own wrote them."""
ZERO = RunConfig(preset="test", generator="shower")
KD = ZERO.with_method("kd").with_(mode="kd")
FEW = ZERO.with_method("supervised").with_(mode="few-shot")


def read(name: str) -> RunConfig:
    values = json.loads((RECORDED / f"{name}.json").read_text())
    return RunConfig.read(values, f"{name}.json")


def test_an_old_zero_shot_configuration() -> None:
    assert read("zero-shot") == RunConfig(
        preset="jets-embedded",
        mode="zero-shot",
        teacher="zskt-particlenet",
        student="pfn",
        generator="shower",
        method="zskt",
        settings=ZSKTConfig(
            iterations=200,
            batch_size=128,
            student_steps=15,
            step_growth=1.0,
            generator_every=3,
            replay_fraction=0.9,
            replay_size=65536,
            replay_balance=0.5,
            class_entropy_weight=3.0,
            student_lr=0.002,
        ),
        evaluate_every=50,
        checkpoint_every=100,
    )


def test_an_old_kd_configuration_has_the_settings_of_kd_alone() -> None:
    settings = KDConfig(iterations=200, batch_size=128, student_steps=15, student_lr=0.002, max_grad_norm=5.0)
    expected = RunConfig(preset="jets-embedded", mode="kd", method="kd", settings=settings, evaluate_every=50)
    assert read("kd") == expected


def test_an_old_teachers_configuration_counts_epochs_of_all_samples() -> None:
    settings = SupervisedConfig(epochs=10, student_lr=0.003, weight_decay=0.01, kd_fraction=0.0, student_steps=0)
    expected = RunConfig(
        preset="embedded-teacher",
        mode="teacher",
        method="supervised",
        settings=settings,
        evaluate_every=1,
        checkpoint_every=1,
    )
    assert read("teacher") == expected


def test_an_old_few_shot_configuration() -> None:
    settings = SupervisedConfig(
        epochs=20,
        student_steps=469,
        optimizer="sgd",
        augment="shift-mirror",
        kd_fraction=0.9,
        samples_per_class=0,
        init_from_run="scratch",
        temperature=4.0,
        student_lr=0.03,
        weight_decay=0.0005,
    )
    expected = RunConfig(
        preset="fashion-mnist-lenet5-to-lenet5-half",
        mode="few-shot",
        teacher="fashion-mnist-lenet5",
        student="lenet5-half",
        method="supervised",
        settings=settings,
        evaluate_every=0,
    )
    assert read("few-shot") == expected


@pytest.mark.parametrize("config", [ZERO, KD, FEW], ids=["zero-shot", "kd", "few-shot"])
def test_a_configuration_is_read_as_it_is_written(config: RunConfig) -> None:
    config = config.with_(seed=7, pt_low=300.0)
    values = json.loads(json.dumps(config.to_dict() | {"files": {"data": {}}}))
    assert RunConfig.read(values, "here", whole=True) == config
    assert config.selection == {"pt_low": 300.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "here: written by another version of zskt (fields colour); use that version"),
        ({"settings": {"colour": 1}}, "here: written by another version of zskt (fields colour); use that version"),
        ({"method": "magic"}, "unknown method 'magic': choose one of"),
        ({"seed": "x"}, "here: seed is 'x', expected int; mend it"),
        ({"settings": {"batch_size": None}}, "here, settings: batch_size is None, expected int"),
        ({"seed": -1}, "here: seed is -1, but must be at least 0"),
    ],
)
def test_what_this_version_does_not_know_is_told(change: dict[str, Any], message: str) -> None:
    values = ZERO.to_dict()
    values |= change | ({"settings": values["settings"] | change["settings"]} if "settings" in change else {})
    with pytest.raises(UserError) as error:
        RunConfig.read(values, "here")
    assert str(error.value).startswith(message)


def test_a_run_that_goes_on_exactly_needs_all_of_its_settings() -> None:
    values = ZERO.to_dict()
    del values["settings"]["warmup"]
    assert RunConfig.read(values, "here") == ZERO
    with pytest.raises(UserError, match="fields warmup"):
        RunConfig.read(values, "here", whole=True)


def test_changes_go_to_the_run_or_to_its_method() -> None:
    changed = ZERO.with_(seed=3, student_lr=0.5, generator=None)
    assert (changed.seed, changed.settings.student_lr, changed.generator) == (3, 0.5, "shower")
    assert ZERO.with_length(9).settings.iterations == 9 and FEW.with_length(9).settings.epochs == 9
    assert FEW.with_length(9).settings.iterations == 9


def test_another_method_takes_over_the_settings_that_both_have() -> None:
    kd = ZERO.with_(student_lr=0.5, replay_fraction=0.1).with_method("kd")
    assert kd.method == "kd" and kd.settings == KDConfig(student_lr=0.5)
    with pytest.raises(UserError, match=r"unknown method 'kdd': did you mean kd\?"):
        ZERO.with_method("kdd")


@pytest.mark.parametrize(
    ("name", "today", "text", "value"),
    [
        ("pseudo_batches", "iterations", "7", 7),
        ("growth", "step_growth", "1", 1.0),
        ("pool", "replay_size", "64", 64),
        ("replay", "replay_fraction", "0.25", 0.25),
        ("balance", "replay_balance", "1", 1.0),
        ("fresh", "resample_each_step", "true", True),
        ("reuse", "reuse_generator_batch", "false", False),
        ("beta", "attention_weight", "1", 1.0),
        ("hint", "hint_weight", "2", 2.0),
        ("regression", "regression_weight", "2", 2.0),
        ("coverage", "class_entropy_weight", "2", 2.0),
        ("certainty", "confidence_weight", "2", 2.0),
        ("moments", "bn_statistics_weight", "2", 2.0),
        ("push", "perturbation_radius", "2", 2.0),
        ("average", "ema_decay", "0.9", 0.9),
        ("clip", "max_grad_norm", "2", 2.0),
        ("inherit", "init_from_teacher", "true", True),
    ],
)
def test_old_names_of_settings_are_understood(name: str, today: str, text: str, value: object) -> None:
    assert ZERO.assigned(name, text) == ZERO.assigned(today, text) == ZERO.with_(**{today: value})


def test_old_names_of_supervised_settings_are_understood() -> None:
    assert FEW.assigned("alpha", "0.5").settings.kd_fraction == 0.5
    assert FEW.assigned("images_per_class", "5").settings.samples_per_class == 5
    assert FEW.assigned("pseudo_batches", "5").settings.epochs == FEW.assigned("epochs", "5").settings.epochs == 5


def test_settings_of_the_run_and_entries_of_mappings_are_assigned() -> None:
    assert ZERO.assigned("pt_low", "200").selection == {"pt_low": 200.0}
    assert ZERO.assigned("evaluate_every", "5").evaluate_every == 5
    assert ZERO.assigned("terms.hint", "2").settings.terms == {"hint": 2.0}


@pytest.mark.parametrize(
    ("config", "name", "message"),
    [
        (ZERO, "optimizer", "unknown setting of --mode zero-shot (method zskt) 'optimizer': "),
        (KD, "warmup", "unknown setting of --mode kd (method kd) 'warmup': "),
        (KD, "generator_lr", "unknown setting of --mode kd (method kd) 'generator_lr': did you mean "),
        (FEW, "hint", "unknown setting of --mode few-shot (method supervised) 'hint_weight': did you mean "),
        (ZERO, "student_rl", "unknown setting of --mode zero-shot (method zskt) 'student_rl': did you mean student_lr"),
        (ZERO, "mode", "--set mode: has a flag of its own; see --help"),
        (ZERO, "queries", "--set queries: has a flag of its own; see --help"),
        (ZERO, "members", "--set members: is the number of files behind --teacher-path; name them there"),
        (ZERO, "start", "--set init_from_run: has a flag of its own; see --help"),
    ],
)
def test_a_setting_that_a_method_does_not_have_cannot_be_set(config: RunConfig, name: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        config.assigned(name, "1")
    assert str(error.value).startswith(message) and "\n" not in str(error.value)
