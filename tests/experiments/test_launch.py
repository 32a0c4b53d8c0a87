"""Runs of every method from a configuration, with the LeNet-5 that ships and forty digits."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from generators import GENERATORS, Entry
from generators.images.convnet import ConvGenerator
from zskt.__main__ import catalog
from zskt.contracts import PseudoBatch
from zskt.errors import NonFiniteLoss, UserError
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import RunConfig
from zskt.experiments.few_shot_presets import few_shot
from zskt.experiments.launch import launch
from zskt.experiments.presets import for_mode
from zskt.experiments.runner import Options
from zskt.storage.files import read_json

CATALOG = catalog()
PAIR = CATALOG.presets["mnist-lenet5-to-lenet5-half"]
PAPER = CATALOG.presets["mnist-lenet5-to-lenet5-half-paper"].with_(iterations=4, batch_size=8, student_steps=2)


def options(digits: Path, out: Path, **more: Any) -> Options:
    return Options(device="cpu", out=out, data=digits, progress=False, **more)


def student(folder: Path) -> bytes:
    return (folder / "student.safetensors").read_bytes()


def acting(action: Callable[[], None], at: int) -> Catalog:
    """A catalogue whose generator of images does something in the forward pass ``at``, or in each if that is 0."""
    passes = 0

    class Acting(ConvGenerator):
        def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
            nonlocal passes
            passes += 1
            if at in (0, passes):
                action()
            return super().forward(z, rng, labels)

    entry = Entry("images", Acting, "the paper's network, which acts")
    return replace(CATALOG, generators={**GENERATORS, "image": entry})


@pytest.fixture
def whole(digits: Path, tmp_path: Path) -> bytes:
    """The student of an uninterrupted run."""
    launch(PAPER, CATALOG, options(digits, tmp_path / "whole"))
    return student(tmp_path / "whole")


def test_ctrl_c_ends_a_run_after_its_iteration_and_it_resumes_exactly(
    digits: Path, tmp_path: Path, whole: bytes
) -> None:
    # One forward pass to see that layers fit, two an iteration: in the middle of the second one.
    stopping = acting(lambda: signal.raise_signal(signal.SIGINT), at=4)
    with pytest.raises(KeyboardInterrupt):
        launch(PAPER, stopping, options(digits, tmp_path / "parts"))
    folder = tmp_path / "parts"
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 2 and not (folder / "result.json").exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    launch(PAPER, CATALOG, options(digits, folder, resume=True))
    assert student(folder) == whole
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 4


def test_a_second_ctrl_c_stops_at_once(digits: Path, tmp_path: Path) -> None:
    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        launch(PAPER, acting(twice, at=4), options(digits, tmp_path / "run"))
    assert len((tmp_path / "run/metrics.jsonl").read_text().splitlines()) == 1


def power_cut() -> None:
    raise RuntimeError("power cut")


@pytest.mark.parametrize(("every", "seconds"), [(1, 1e9), (100, -1.0)])  # by iterations, or because time has passed
def test_a_run_goes_on_from_its_latest_checkpoint(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    every: int, seconds: float,
) -> None:  # fmt: skip
    monkeypatch.setattr("zskt.experiments.runner.CHECKPOINT_SECONDS", seconds)
    monkeypatch.setattr("zskt.experiments.progress.LINE_SECONDS", -1.0)
    config = PAPER.with_(ema_decay=0.7, replay_fraction=0.5, checkpoint_every=every)
    launch(config, CATALOG, options(digits, tmp_path / "whole"))
    assert "whole: iteration 3 of 4" in capsys.readouterr().err
    with pytest.raises(RuntimeError, match="power cut"):
        launch(config, acting(power_cut, at=6), options(digits, tmp_path / "cut"))
    capsys.readouterr()
    launch(config, CATALOG, options(digits, tmp_path / "cut", resume=True))
    assert capsys.readouterr().err.splitlines()[0].endswith("cut: iteration 2 of 4")  # nothing was lost
    assert student(tmp_path / "whole") == student(tmp_path / "cut")


@pytest.mark.parametrize("mode", ["kd", "few-shot"])
def test_runs_from_data_resume_exactly(digits: Path, tmp_path: Path, mode: str) -> None:
    card = CATALOG.card(PAIR)
    config = for_mode(PAIR, mode, card).with_length(4).with_(batch_size=8, student_steps=2, checkpoint_every=1)
    launch(config, CATALOG, options(digits, tmp_path / "whole"))
    calls = 0
    build_student = CATALOG.students["lenet5-half"].build

    def build(inputs: Any, outputs: int) -> torch.nn.Module:
        network: torch.nn.Module = build_student(inputs, outputs)

        def stop(*_: object) -> None:
            nonlocal calls
            calls += 1
            if calls == 6:
                raise KeyboardInterrupt

        network.register_forward_pre_hook(stop)
        return network

    cut = replace(CATALOG.students["lenet5-half"], build=build)
    stopping = replace(CATALOG, students={**CATALOG.students, "lenet5-half": cut})
    with pytest.raises(KeyboardInterrupt):
        launch(config, stopping, options(digits, tmp_path / "cut"))
    launch(config, CATALOG, options(digits, tmp_path / "cut", resume=True))
    assert student(tmp_path / "whole") == student(tmp_path / "cut")


def test_pictures_and_evaluations_change_nothing(digits: Path, tmp_path: Path, whole: bytes) -> None:
    folder, _ = launch(PAPER.with_(evaluate_every=1), CATALOG, options(digits, tmp_path / "seen"))
    assert student(folder) == whole
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert all("test/agreement" in line for line in lines)
    assert "test/agreement" not in (tmp_path / "whole/metrics.jsonl").read_text().splitlines()[0]


def test_no_real_image_is_read_before_the_verdict(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zskt.images.datasets import read_images

    events: list[str] = []

    def recorded(name: str, place: Path | None, split: str) -> object:
        events.append(split)
        return read_images(name, place, split)

    monkeypatch.setattr("zskt.domains.images.read_images", recorded)
    counting = acting(lambda: events.append("pass"), at=0)
    for name in ("mnist-lenet5-to-lenet5-half", "mnist-lenet5-to-lenet5-half-paper"):
        events.clear()
        config = CATALOG.presets[name].with_(iterations=4, batch_size=8, student_steps=1, generator="image")
        _, result = launch(config.with_(reuse_generator_batch=False), counting, options(digits, tmp_path / name))
        assert events[-1] == "test" and set(events[:-1]) == {"pass"} and len(events) > 8
        assert result["data"]["count"] == 40 and result["student"]["parameters"] == 15_738


def test_results_say_what_was_asked_and_what_it_took(digits: Path, tmp_path: Path) -> None:
    config = few_shot(PAIR, CATALOG.card(PAIR), samples_per_class=2).with_(epochs=2, student_steps=2, batch_size=8)
    folder, result = launch(config, CATALOG, options(digits, tmp_path / "run"))
    assert result == read_json(folder / "result.json")
    assert (result["steps"], result["teacher_queries"], result["samples_per_class"]) == (4, 16 + 4 * 8, 2)
    assert (result["kd_fraction"], result["init_from_run"], result["generator"]) == (0.9, "scratch", None)
    assert result["changes"] == {"student_steps": 2} and result["epochs"] == 2 and "iterations" not in result
    assert result["method"] == "supervised" and result["schema"] == 2


def test_a_run_that_diverges_names_iteration_and_term(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(NonFiniteLoss, match=r"^iteration \d: .* is (nan|inf)"):
        launch(PAPER.with_(student_lr=1e30), CATALOG, options(digits, tmp_path / "run"))
    assert not (tmp_path / "run/result.json").exists()


def test_what_cannot_be_is_told_before_anything_is_written(digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    mnist = few_shot(PAIR, CATALOG.card(PAIR))
    for config, message in (
        (PAPER.with_(student="wrn-16-1"), r"attention maps have \[196, 25\] positions, the student's \[256, 64\]"),
        (
            PAPER.with_(hint_weight=1.0, attention_weight=0.0, student="wrn-16-1"),
            r"hint_weight: the teacher's blocks put out \[\(6, .*choose a --student",
        ),
        (PAPER.with_(init_from_teacher=True), "init_from_teacher: of the student's"),
        (mnist.with_(samples_per_class=5), "--samples-per-class 5: class 0 has 4 samples; take at most as many"),
    ):
        with pytest.raises(UserError, match=message):
            launch(config, CATALOG, options(digits, out))
    next(digits.glob("test*")).unlink()
    for config in (PAPER, mnist):
        with pytest.raises(UserError, match=r"holds neither test\.parquet nor"):
            launch(config, CATALOG, options(digits, out))
    assert not out.exists()


def test_a_run_of_jets_needs_data_where_it_learns_from_them(tmp_path: Path) -> None:
    config = CATALOG.presets["jets-embedded"].with_method("kd").with_(mode="kd")
    with pytest.raises(UserError, match=r"--data: this mode learns from jets: give FILE\.root"):
        launch(config, CATALOG, Options(device="cpu", out=tmp_path / "run"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--device cuda: this machine has no CUDA device"):
        launch(
            RunConfig(preset="jets-embedded", generator="noise"), CATALOG, Options(device="cuda", out=tmp_path / "a")
        )
