"""Presets: which one fits a teacher, what other modes make of it, and what a run changed of it."""

from __future__ import annotations

import pytest

from zskt.__main__ import catalog
from zskt.errors import UserError
from zskt.experiments.config import RunConfig
from zskt.experiments.few_shot_presets import few_shot
from zskt.experiments.presets import FOR_FILES, PRESETS, changes, find_preset, for_mode, summary_of
from zskt.methods.kd import KDConfig

CATALOG = catalog()
ZERO_SHOT = [name for name, config in PRESETS.items() if config.mode == "zero-shot"]


def find(name: str | None, teacher: str | None, mode: str = "zero-shot") -> RunConfig:
    return find_preset(name, teacher, mode, PRESETS, CATALOG.teachers)


def differing(config: RunConfig) -> dict[str, object]:
    return changes(config, PRESETS, CATALOG.card(config))


@pytest.mark.parametrize(
    ("teacher", "mode", "preset"),
    [
        (None, "zero-shot", "jets-embedded"),
        ("jetclass-particlenet-kin", "zero-shot", "jetclass-kin"),
        ("jetclass-particlenet-full", "kd", "jetclass-full"),
        ("cms-hlt-particlenet-ak4", "zero-shot", "tagger"),
        ("cifar10-resnet20", "zero-shot", "cifar10-resnet20-to-resnet8"),
        ("mnist-lenet5", "teacher", "mnist-lenet5"),
        (None, "teacher", "embedded-teacher"),
    ],
)
def test_a_teacher_gets_its_preset(teacher: str | None, mode: str, preset: str) -> None:
    assert find(None, teacher, mode).preset == preset


def test_networks_from_files_have_presets_and_that_of_vectors_names_no_teacher() -> None:
    assert [name for name, config in PRESETS.items() if not config.teacher] == ["vectors"]
    assert {"tagger", "images", "grey-images", "vectors"} == set(FOR_FILES)


def test_a_recipe_that_learns_from_images_is_taken_by_its_name_alone() -> None:
    preset = find("mnist-lenet5-to-lenet5-half-mixup", None, "kd")
    assert preset.settings.mixup and preset.method == "kd"
    assert find(None, "mnist-lenet5", "kd").preset == find(None, "mnist-lenet5", "zero-shot").preset
    assert find(None, "mnist-lenet5", "kd").mode == "zero-shot"


def test_a_teacher_without_a_preset_gets_the_recipe_of_its_data() -> None:
    preset = find(None, "cifar10-resnet56")
    assert (preset.generator, preset.teacher) == ("things-prior", "cifar10-resnet20")


@pytest.mark.parametrize(
    ("name", "teacher", "mode", "message"),
    [
        ("jets-embeded", None, "zero-shot", "unknown preset 'jets-embeded': did you mean jets-embedded?"),
        ("mnist-lenet5", None, "zero-shot", "--preset mnist-lenet5 is for --mode teacher"),
        ("mnist-lenet5-to-lenet5-half-mixup", None, "zero-shot", "--preset mnist-lenet5-to-lenet5-half-mixup is for"),
        ("mnist-lenet5-to-lenet5-half-mixup", None, "compare", "--preset mnist-lenet5-to-lenet5-half-mixup is for"),
        ("jets-embedded", None, "teacher", "--preset jets-embedded is for --mode zero-shot"),
        ("mnist-lenet5", "svhn-wrn-40-2", "teacher", "--preset mnist-lenet5 trains mnist-lenet5, not svhn-wrn-40-2"),
        (None, "cifar10-resnet20", "teacher", "--mode teacher: no preset trains cifar10-resnet20; choose one of"),
    ],
)
def test_presets_that_do_not_fit(name: str | None, teacher: str | None, mode: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        find(name, teacher, mode)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("name", [name for name, config in PRESETS.items() if config.teacher])
def test_a_preset_changes_nothing_of_itself_in_any_mode(name: str) -> None:
    config, card = PRESETS[name], CATALOG.card(PRESETS[name])
    assert differing(config) == differing(config.with_(seed=3, batch_size=7)) == {}
    assert summary_of(config)
    if config.mode == "zero-shot":
        assert differing(for_mode(config, "kd", card)) == differing(for_mode(config, "few-shot", card)) == {}


def test_kd_takes_over_what_it_has() -> None:
    preset = PRESETS["cifar10-resnet20-to-resnet8"]
    kd = for_mode(preset, "kd", CATALOG.card(preset))
    assert (kd.mode, kd.method) == ("kd", "kd") and isinstance(kd.settings, KDConfig)
    assert (kd.settings.hint_weight, kd.settings.cutmix, kd.settings.temperature) == (10.0, 0.5, 4.0)


def test_a_run_knows_what_was_changed_of_its_preset() -> None:
    pair = PRESETS["mnist-lenet5-to-lenet5-half"]
    assert differing(pair.with_(class_entropy_weight=1.0, generator="image")) == {"class_entropy_weight": 1.0}
    assert differing(pair.with_(precision="bf16", attention_layers="first")) == {"attention_layers": "first"}
    tagger = PRESETS["tagger"]
    assert changes(tagger.with_(pt_low=100.0), PRESETS, CATALOG.teachers[tagger.teacher]) == {"pt_low": 100.0}
    few = few_shot(pair, CATALOG.card(pair), samples_per_class=10).with_(seed=3)
    assert differing(few) == {}
    assert differing(few.with_(student_lr=0.5)) == {"student_lr": 0.5}
    assert differing(few.with_(kd_fraction=0.0, attention_weight=0.0)) == {}
    other = {"kd_fraction": 0.5, "attention_weight": 7.0}
    assert differing(few.with_(**other)) == other
    assert differing(few_shot(pair, CATALOG.card(pair), "zero-shot mnist")) == {}


def test_the_papers_attention_match_is_worth_as_much_whatever_the_number_of_classes() -> None:
    pairs = [config for name, config in PRESETS.items() if name.endswith("-paper")]
    classes = [len(CATALOG.card(config).classes) for config in pairs]
    assert {c.settings.attention_weight / k for c, k in zip(pairs, classes, strict=True)} == {250.0}
    assert set(classes) == {10, 100}
