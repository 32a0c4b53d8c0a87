"""Firmware of a student of the teacher that ships: emulated, it is the student, or the export says that it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Call
from zskt.__main__ import catalog
from zskt.errors import UserError
from zskt.experiments.launch import launch
from zskt.experiments.runner import Options
from zskt.export.hls4ml import MIN_AGREEMENT, emulate, require_agreement
from zskt.networks.deep_sets import N_LEADING
from zskt.storage.files import read_json

CHANNELS = 5
OTHER_FILES = ("model.onnx", "model-int8.onnx", "preprocess.json", "labels.txt", "student.safetensors", "README.md")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, few_jets: Path) -> Path:
    """A short run of the teacher that ships into a student for FPGAs."""
    pytest.importorskip("hls4ml", reason="hls4ml is in requirements-fpga.txt")
    shipped = catalog()
    config = shipped.presets["jets-embedded"].with_(student="deepsets", iterations=20, batch_size=128, evaluate_every=0)
    out = tmp_path_factory.mktemp("runs") / "run"
    return launch(config, shipped, Options(device="cpu", out=out, data=few_jets, progress=False))[0]


def test_emulated_firmware_of_the_shipped_teachers_student_is_the_student(
    call: Call, tmp_path: Path, run: Path
) -> None:
    code, out, err = call("--mode", "export", "--run", run, "--out", tmp_path / "student")
    assert code == 0, err
    measured = read_json(tmp_path / "student/export.json")
    assert measured["hls4ml"]["agreement_with_student"] > 0.97 and measured["hls4ml"]["jets"] == 1000
    assert measured["hls4ml"]["largest_difference"] < 0.2  # 12 bits behind the point
    project = tmp_path / "student/hls4ml"
    assert (project / "firmware/student.cpp").is_file() and not list(project.rglob("*.so"))
    assert "OutputDir: hls4ml\n" in (project / "hls4ml_config.yml").read_text()  # it may be moved
    assert measured["int8"]["bytes"] > measured["onnx"]["bytes"]
    card = (tmp_path / "student/README.md").read_text()
    for told in (out, card):
        assert "larger than model.onnx: in so small a network" in told
    assert "do not synthesise" not in card


def test_firmware_of_too_few_bits_fails_and_the_other_files_stay(
    call: Call, tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zskt.export.hls4ml.PRECISION", "ap_fixed<5,2>")
    code, _, err = call("--mode", "export", "--run", run, "--out", tmp_path / "student")
    (line,) = err.strip().splitlines()[-1:]
    assert code == 2 and "its top class is the student's on 0." in line and f"less than {MIN_AGREEMENT}" in line
    assert all((tmp_path / "student" / name).stat().st_size for name in OTHER_FILES)
    assert read_json(tmp_path / "student/export.json")["hls4ml"]["agreement_with_student"] < MIN_AGREEMENT
    assert "do not synthesise it" in (tmp_path / "student/README.md").read_text()


def test_without_a_compiler_the_other_files_stay(
    call: Call, tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = call("--mode", "export", "--run", run, "--out", tmp_path / "student")
    assert code == 2 and "was not emulated" in err and "a C++ compiler are needed" in err
    assert all((tmp_path / "student" / name).stat().st_size for name in OTHER_FILES)
    assert read_json(tmp_path / "student/export.json")["hls4ml"]["agreement_with_student"] is None
    assert "not emulated" in (tmp_path / "student/README.md").read_text()


class Project:
    """Stands in for a compiled project whose input has this shape: sums each channel, weighted by its number.

    Args:
        channels_first: the order that it takes its input to have.
    """

    def __init__(self, shape: tuple[int, int], channels_first: bool) -> None:
        self.shape, self.channels_first = shape, channels_first

    def get_input_variables(self) -> list[Any]:
        return [self]

    def predict(self, x: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        assert x.flags["C_CONTIGUOUS"]
        x = x.reshape(-1, *self.shape)
        return (x if self.channels_first else x.transpose(0, 2, 1)).sum(2)


@pytest.mark.parametrize("channels", [CHANNELS, N_LEADING])  # as many channels as particles: the shape does not tell
@pytest.mark.parametrize("order", ["CN", "NC"])
def test_inputs_are_fed_in_the_order_that_the_project_takes(order: str, channels: int) -> None:
    x = np.random.default_rng(0).normal(size=(50, channels, N_LEADING)).astype(np.float32)
    shape = (channels, N_LEADING) if order == "CN" else (N_LEADING, channels)
    project: Any = Project(shape, channels_first=order == "CN")
    found, outputs = emulate(project, x, x.sum(2))
    assert found == order and np.allclose(outputs, x.sum(2), atol=1e-5)


def test_a_project_of_other_inputs_is_refused() -> None:
    x = np.zeros((2, CHANNELS, N_LEADING), np.float32)
    project: Any = Project((CHANNELS, 3), channels_first=True)
    with pytest.raises(UserError, match=r"takes inputs of \(5, 3\), not of \(5, 16\)"):
        emulate(project, x, x.sum(2))


def test_agreement_at_the_stated_figure_is_enough() -> None:
    measured = {"precision": "16 bits", "jets": 50, "agreement_with_student": MIN_AGREEMENT}
    require_agreement(measured, Path("hls4ml"))
    with pytest.raises(UserError, match=r"on 0\.890 of 50 jets, less than 0\.9; do not synthesise it; the other"):
        require_agreement(measured | {"agreement_with_student": 0.89}, Path("hls4ml"))
