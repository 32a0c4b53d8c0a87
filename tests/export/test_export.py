"""Mode ``export``: a graph student beside its graph teacher, and an image student; taggers' in test_tagger_cli."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from teachers.images import DATA
from tests.conftest import Call
from zskt.__main__ import catalog
from zskt.dataset import drawn_rows
from zskt.errors import UserError
from zskt.experiments.build import load_student
from zskt.experiments.finished import open_run, read_config
from zskt.export.export import EXPORT_TOLERANCE, _require_equal
from zskt.onnx_runtime import run_onnx, session, write_onnx
from zskt.storage.files import read_json


class Steep(nn.Module):
    """The probability of one label, of a function in which roundings of x are 1000 times as large.

    Args:
        factor: of the function: anything but 1 is another network.
    """

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1) -> (B, 1)."""
        return (1000 * (x.double() * self.factor - 1.5)).sigmoid().float()


def test_a_graph_student_is_exported_and_timed_beside_its_graph_teacher(
    call: Call, tmp_path: Path, few_jets: Path
) -> None:
    short = (
        "--iterations",
        2,
        "--student-steps",
        2,
        "--batch-size",
        16,
        "--set",
        "evaluate_every=0",
        "--data",
        few_jets,
    )
    code, _, err = call("--mode", "zero-shot", "--student", "particlenet-light", *short, "--out", tmp_path / "run")
    assert code == 0, err
    code, out, err = call(
        "--mode", "export", "--run", tmp_path / "run", "--data", few_jets, "--out", tmp_path / "student"
    )
    assert code == 0, err
    measured = read_json(tmp_path / "student/export.json")
    assert measured["difference"] < 1e-5 and measured["ties"] <= 0.02 * measured["compared"]
    assert measured["onnx"]["agreement_with_student"] > 0.99
    assert "by zskt from the publisher's parameters" in measured["latency"][0]["teacher"]
    assert "ms per jet" in out
    card = (tmp_path / "student/README.md").read_text()
    assert "neighbours tie" in card and "Jets with as many entries as the network takes." in card


def test_a_student_that_roundings_move_may_differ_by_as_much_and_no_wrong_network_passes(tmp_path: Path) -> None:
    steep, path = Steep(), tmp_path / "model.onnx"
    x = (1.5 + 0.002 * torch.rand(64, 1, generator=torch.Generator().manual_seed(0)),)
    spec: Any = SimpleNamespace(
        network=steep, input_names=("x",), calibration=x, test_inputs=None, random_inputs=lambda count: (x[0][:count],),
        has_neighbour_search=False,
    )  # fmt: skip
    write_onnx(Steep(1 + 8e-8), spec.input_names, ({0: "N"},), x, path)
    assert EXPORT_TOLERANCE < _require_equal(path, spec, 0)["difference"] < 1e-4
    write_onnx(Steep(1 + 1e-5), spec.input_names, ({0: "N"},), x, path)
    with pytest.raises(UserError, match=r"^model.onnx: its outputs would differ .*; nothing is exported"):
        _require_equal(path, spec, 0)


def test_an_image_student_is_exported_with_its_normalisation(
    call: Call, tmp_path: Path, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zskt.export.export.N_AGREEMENT", 15)
    fast = ("--data", digits, "--iterations", 3, "--batch-size", 16)
    assert call("--mode", "teacher", "--preset", "mnist-lenet5", *fast)[0] == 0
    preset = ("--preset", "mnist-lenet5-to-lenet5-half-paper")
    assert call("--mode", "zero-shot", *preset, *fast, "--out", tmp_path / "run")[0] == 0
    export = ("--mode", "export", "--run", tmp_path / "run", "--data", digits, "--out", tmp_path / "student")
    code, out, err = call(*export)
    assert code == 0, err
    measured = read_json(tmp_path / "student/export.json")
    assert (
        (measured["count"], measured["of"], measured["unit"]) == (15, 40, "image")
        and measured["difference"] < 1e-5
        and len(measured["latency"]) == 4
    )
    assert "ms per image" in out and "compared on 15 images drawn at random from 40 of" in out
    run, rows = open_run(tmp_path / "run", catalog(), data=digits), drawn_rows(40, 15)
    asked = run.evaluator.teacher_predictions()
    assert asked is not None
    same = asked.logits.argmax(1) == run.evaluator.predict(run.student).logits.argmax(1)
    assert measured["onnx"]["agreement_with_teacher"] == pytest.approx(float(same[rows].double().mean()))
    card = (tmp_path / "student/README.md").read_text()
    assert f"on 15 images drawn at random from 40 of {measured['data']}, same top class" in card
    inputs = {i.name: i.shape for i in session(tmp_path / "student/model.onnx").get_inputs()}
    assert inputs == {"images": ["N", 1, 28, 28]}
    assert (tmp_path / "student/labels.txt").read_text().split() == list("0123456789")
    assert "intensities in [0, 1]" in (tmp_path / "student/README.md").read_text()
    student = load_student(tmp_path / "run", read_config(tmp_path / "run")[0], catalog())
    pixels = (255 * torch.rand(5, 1, 28, 28)).round()
    with torch.no_grad():
        expected = student(*DATA["mnist"].inputs(pixels.to(torch.uint8))).softmax(1)
    exported = run_onnx(tmp_path / "student/model.onnx", ("images",), (pixels / 255,))
    assert torch.allclose(exported, expected, atol=1e-5)
    code, _, err = call(*export)
    assert code == 2 and "the folder is not empty" in err
