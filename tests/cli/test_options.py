"""From flags to a run's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from zskt.__main__ import catalog
from zskt.cli.options import assign, one_run, read_options, read_run
from zskt.cli.parser import parse
from zskt.errors import UserError
from zskt.experiments.config import RunConfig
from zskt.experiments.presets import PRESETS
from zskt.storage.files import write_json

CATALOG = catalog()
PAIR = "mnist-lenet5-to-lenet5-half"


def config_of(*arguments: object) -> RunConfig:
    return read_run(parse([str(a) for a in arguments]), CATALOG)[0]


def test_a_command_without_flags_is_its_preset() -> None:
    assert config_of("--mode", "zero-shot") == PRESETS["jets-embedded"]
    assert config_of("--mode", "teacher", "--preset", "mnist-lenet5") == PRESETS["mnist-lenet5"]


def test_flags_change_the_preset() -> None:
    flags = ("--iterations", 7, "--batch-size", 9, "--student-steps", 3, "--seed", 5, "--student", "pfn-small")
    config = config_of("--mode", "zero-shot", *flags, "--generator", "mlp", "--set", "student_lr=0.5")
    settings = PRESETS["jets-embedded"].settings.with_(iterations=7, batch_size=9, student_steps=3, student_lr=0.5)
    assert config.settings == settings and (config.seed, config.student, config.generator) == (5, "pfn-small", "mlp")


def test_older_names_are_understood() -> None:
    older = ("--pseudo-batches", 7, "--set", "beta=1", "--set", "pool=64")
    newer = ("--iterations", 7, "--set", "attention_weight=1", "--set", "replay_size=64")
    assert config_of("--mode", "zero-shot", *older) == config_of("--mode", "zero-shot", *newer)
    older = ("--images-per-class", 5, "--pseudo-batches", 3, "--set", "alpha=0.5")
    newer = ("--samples-per-class", 5, "--iterations", 3, "--set", "kd_fraction=0.5")
    few = ("--mode", "few-shot", "--preset", PAIR)
    assert config_of(*few, *older) == config_of(*few, *newer)
    assert config_of(*few, *newer).settings.epochs == 3


def test_modes_have_their_methods() -> None:
    for mode, method in (("zero-shot", "zskt"), ("kd", "kd"), ("few-shot", "supervised")):
        config = config_of("--mode", mode, "--preset", PAIR)
        assert (config.mode, config.method, config.teacher) == (mode, method, "mnist-lenet5")
    without = config_of("--mode", "few-shot", "--preset", PAIR, "--without-teacher")
    assert not without.settings.has_teacher
    named = config_of("--mode", "zero-shot", "--teacher", "cifar10-resnet56", "--student", "resnet8")
    assert (named.preset, named.teacher) == ("cifar10-resnet20-to-resnet8", "cifar10-resnet56")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("zero-shot", "--set", "optimizer=sgd"), "unknown setting of --mode zero-shot (method zskt) 'optimizer'"),
        (("kd", "--set", "warmup=0.5"), "unknown setting of --mode kd (method kd) 'warmup'"),
        (("kd", "--set", "temprature=2"), "unknown setting of --mode kd (method kd) 'temprature': did you mean temper"),
        (("few-shot", "--set", "replay=0.5"), "unknown setting of --mode few-shot (method supervised) 'replay_fracti"),
        (("zero-shot", "--set", "coverage"), "--set coverage: write it as NAME=VALUE"),
        (
            ("zero-shot", "--set", "reuse=maybe"),
            "--set reuse_generator_batch=maybe: reuse_generator_batch is of kind b",
        ),
        (("zero-shot", "--set", "beta=nan"), "attention_weight is nan, but must be a finite number"),
        (("zero-shot", "--set", "balance=100"), "replay_balance is 100.0, but must be at most 2"),
        (("few-shot", "--set", "alpha=2"), "kd_fraction is 2.0, but must be at most 1"),
        (("few-shot", "--samples-per-class", "-1"), "samples_per_class is -1, but must be at least 0"),
        (("zero-shot", "--iterations", "0"), "iterations is 0, but must be at least 1"),
        (("zero-shot", "--batch-size", "1"), "batch_size is 1, but must be at least 2"),
        (("zero-shot", "--seed", "-1"), "seed is -1, but must be at least 0"),
        (("zero-shot", "--preset", "mnist-lenet5"), "--preset mnist-lenet5 is for --mode teacher"),
        (
            ("zero-shot", "--teacher", "cifar10-resnet20", "--student", "pfn"),
            "--student pfn is for jets, but the teach",
        ),
        (
            ("zero-shot", "--student", "lenet5-half"),
            "--student lenet5-half is for images, but the teacher zskt-particl",
        ),
        (("zero-shot", "--set", "push=1"), "perturbation_radius 1.0 is for images, but the teacher zskt-particlenet"),
        (("teacher", "--preset", "mnist-lenet5", "--teacher", "svhn-wrn-40-2"), "--preset mnist-lenet5 trains mnist-"),
    ],
)
def test_settings_that_cannot_be(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError) as error:
        config_of("--mode", *arguments)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_assignments_are_applied_in_their_order() -> None:
    config = assign(PRESETS["jets-embedded"], ["student_lr=0.5", "student_lr=0.25", "pt_low=9"])
    assert config.settings.student_lr == 0.25 and config.pt_low == 9


def finished(folder: Path, config: RunConfig, data: str | None = "images") -> Path:
    """What a run began with."""
    folder.mkdir()
    files = {"data": {"path": data, "sha256": None}, "teacher": {"path": None, "sha256": "ab"}}
    write_json(folder / "config.json", config.to_dict() | {"files": files})
    return folder


def test_a_resumed_run_is_what_it_recorded(tmp_path: Path) -> None:
    recorded = PRESETS[PAIR].with_(seed=9, student_lr=0.5)
    run = finished(tmp_path / "run", recorded)
    flags = parse(["--mode", "zero-shot", "--resume", "--out", str(run)])
    assert not read_run(flags, CATALOG)[2].resume, "stopped before its first checkpoint, it begins anew"
    (run / "checkpoint.pt").touch()
    config, _, options = read_run(flags, CATALOG)
    assert config == recorded and options.data == Path("images") and options.resume
    for more, message in (
        (("zero-shot", "--preset", "jetclass-kin"), f"the checkpoint is of preset {PAIR}, mode zero-shot; resume it"),
        (("kd",), f"the checkpoint is of preset {PAIR}, mode zero-shot; resume it with these, not {PAIR}, kd"),
    ):
        with pytest.raises(UserError, match=message):
            config_of("--mode", *more, "--resume", "--out", run)


def test_fine_tuning_begins_from_a_finished_run(tmp_path: Path) -> None:
    run = finished(tmp_path / "run", PRESETS[PAIR].with_(student_lr=0.5), data=None)
    config, _, options = read_run(parse(["--mode", "few-shot", "--run", str(run), "--iterations", "2"]), CATALOG)
    assert options.start == run and config.settings.init_from_run == f"zero-shot {PAIR}"
    assert (config.student, config.settings.student_lr, config.settings.epochs) == ("lenet5-half", 1e-3, 2)
    with pytest.raises(UserError, match="its student is lenet5-half, not wrn-16-1; leave --student out"):
        config_of("--mode", "few-shot", "--run", run, "--student", "wrn-16-1")
    with pytest.raises(UserError, match=r"nothing/config\.json: no such file"):
        config_of("--mode", "few-shot", "--run", "nothing")


def test_a_mode_about_one_run_takes_one() -> None:
    assert one_run(parse(["--mode", "report", "--run", "a"])) == Path("a")
    with pytest.raises(UserError, match="--mode report: is about one run: --run runs/NAME"):
        one_run(parse(["--mode", "report", "--run", "a", "b"]))
    with pytest.raises(SystemExit):
        parse(["--mode", "report"])
    assert read_options(parse(["--mode", "zero-shot", "--device", "cpu"])).device == "cpu"
