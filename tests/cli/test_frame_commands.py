"""Frames on the command line: without data, with data, behind views, and out of the house."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.conftest import Call
from zskt.__main__ import catalog
from zskt.experiments.build import load_student
from zskt.experiments.finished import read_config
from zskt.frames import moving_digits
from zskt.methods.zskt import ZSKT
from zskt.onnx_runtime import run_onnx
from zskt.storage.files import read_json

FAST = ("--iterations", "2", "--batch-size", "16", "--student-steps", "2")
RUN = ("--mode", "zero-shot", "--preset", "moving-digits", *FAST)


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving_digits, "COUNTS", {"train": 64, "test": 40})


def test_a_student_of_half_the_frames_learns_without_data_and_leaves_as_onnx(call: Call, tmp_path: Path) -> None:
    code, out, err = call(*RUN, "--view", "until:4", "--out", tmp_path / "run")
    assert code == 0 and "on 40 sequences of moving-digits test" in out, err
    result = read_json(tmp_path / "run/result.json")
    assert result["teacher_queries"] == 32 and result["data"]["unit"] == "sequence"
    code, _, err = call("--mode", "export", "--run", tmp_path / "run", "--out", tmp_path / "student")
    assert code == 0, err
    layout = read_json(tmp_path / "student/preprocess.json")["frames"]
    assert (layout["length"], layout["height"], layout["view"]) == (4, 16, "until:4")
    student = load_student(tmp_path / "run", read_config(tmp_path / "run")[0], catalog())
    pixels = torch.randint(256, (3, 8, 1, 16, 16), dtype=torch.uint8)
    with torch.no_grad():
        expected = student(*moving_digits.INPUTS(pixels)).softmax(1)
    exported = run_onnx(tmp_path / "student/model.onnx", ("frames",), (pixels[:, :4].float() / 255,))
    assert torch.allclose(exported, expected, atol=1e-5)


def test_a_run_that_is_resumed_leaves_the_same_student(call: Call, tmp_path: Path) -> None:
    run = (*RUN, "--generator", "motion", "--set", "generator_every=1", "--without-evaluation")
    assert call(*run, "--out", tmp_path / "whole")[0] == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zskt.methods.zskt.ZSKT.generator_step", _interrupted_at_second())
        assert call(*run, "--out", tmp_path / "parts")[0] == 130
    assert call("--mode", "zero-shot", "--resume", "--out", tmp_path / "parts", "--without-evaluation")[0] == 0
    whole, parts = ((tmp_path / name / "student.safetensors").read_bytes() for name in ("whole", "parts"))
    assert whole == parts


def _interrupted_at_second() -> object:
    """A generator step that Ctrl-C ends the second time."""
    taken, step = list[int](), ZSKT.generator_step

    def interrupted(self: ZSKT) -> object:
        taken.append(1)
        if len(taken) == 2:
            raise KeyboardInterrupt
        return step(self)

    return interrupted


@pytest.mark.parametrize("generator", ["motion-prior", "frames", "noise-frames"])
def test_every_generator_of_frames_is_played_against(call: Call, tmp_path: Path, generator: str) -> None:
    run = (*RUN, "--generator", generator, "--without-evaluation", "--out", tmp_path / "run")
    assert call(*run)[0] == 0


def test_data_are_made_for_kd_and_a_student_may_see_motion_alone(call: Call, tmp_path: Path) -> None:
    run = ("--mode", "kd", "--preset", "moving-digits", *FAST, "--view", "flow", "--out", tmp_path / "run")
    code, out, err = call(*run)
    assert code == 0 and "moving-digits" in out, err
    assert read_json(tmp_path / "run/result.json")["changes"]["view"] == "flow"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--view", "until:9"), "--view until:9: 9 frames: give a whole number from 1 to 8"),
        (("--student", "gru"), "--student gru is for jets, but the teacher moving-digits-gru takes frames"),
        (("--generator", "shower"), "--generator shower is for jets"),
        (("--data", "none.npz"), "no such file"),
        (("--set", "attention_weight=1", "--view", "until:4"), "the teacher's attention maps have [128, 8] positions"),
        (("--set", "cutmix=0.5"), "cutmix 0.5 is for images"),
    ],
)
def test_mistakes_are_told_in_a_line(call: Call, arguments: tuple[str, ...], message: str) -> None:
    code, _, err = call(*RUN, *arguments)
    assert code == 2 and message in err and err.strip().count("\n") == 0
