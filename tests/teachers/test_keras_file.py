"""Networks of Keras and TensorFlow become ONNX that answers alike; needs TensorFlow, or a Python that has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from teachers.keras_file import PYTHON, is_saved_model, sniff, to_onnx
from zskt.errors import UserError

WRITER = Path(__file__).with_name("keras_networks.py")


@cache
def has(package: str) -> bool:
    """Whether the Python with TensorFlow has a package."""
    python = os.environ.get(PYTHON, sys.executable)
    command = [python, "-c", f"import importlib.util as u, sys; sys.exit(u.find_spec({package!r}) is None)"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def written(folder: Path, *arguments: str) -> Path:
    needed = ("tensorflow", "tf2onnx", "qkeras", "tf_keras") if arguments else ("tensorflow", "tf2onnx")
    missing = [package for package in needed if not has(package)]
    if missing:
        pytest.skip(f"needs {missing[0]}: pip install -r requirements-keras.txt, or {PYTHON}=/path/to/python")
    python = os.environ.get(PYTHON, sys.executable)
    writer = subprocess.run([python, str(WRITER), str(folder), *arguments], capture_output=True, text=True, check=False)
    assert writer.returncode == 0, writer.stderr[-2000:]
    return folder


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("keras"))


@pytest.fixture(scope="module")
def old_networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("keras2"), "legacy")


def differences(source: Path, expected: Path, folder: Path) -> tuple[float, list[str], list[str]]:
    """The largest difference between ONNX and Keras, and the names of the graph's inputs and outputs."""
    run = onnxruntime.InferenceSession(str(to_onnx(source, folder)), providers=["CPUExecutionProvider"])
    names = [i.name for i in run.get_inputs()]
    with np.load(expected) as saved:
        answer = run.run(None, {name: saved[name] for name in names})
        assert np.ptp(saved["answer"]) > 1e-3, "a network that answers the same for all"
        return float(np.abs(answer[0] - saved["answer"]).max()), names, [o.name for o in run.get_outputs()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "inputs", "outputs"),
    [
        ("dense.keras", ["jet_features"], ["classes"]),
        ("dense.h5", ["jet_features"], ["classes"]),
        ("sigmoid.keras", ["pf_features", "globals"], ["score"]),
        ("sigmoid.h5", ["pf_features", "globals"], ["score"]),
        ("pixels.keras", ["image"], ["digit"]),
        ("attention.keras", ["rows"], ["flavour"]),
        ("attention.h5", ["rows"], ["flavour"]),
    ],
)
def test_a_keras_network_answers_alike_and_keeps_its_names(
    networks: Path, tmp_path: Path, file: str, inputs: list[str], outputs: list[str]
) -> None:
    source = networks / file
    assert sniff(source)
    difference, names, answers = differences(source, source.with_suffix(".npz"), tmp_path)
    assert difference < 1e-5 and names == inputs and answers == outputs


@pytest.mark.slow
def test_layouts_and_lengths_are_those_of_keras(networks: Path, tmp_path: Path) -> None:
    shapes = {}
    for name in ("sigmoid", "pixels", "attention"):
        run = onnxruntime.InferenceSession(str(to_onnx(networks / f"{name}.keras", tmp_path)))
        shapes |= {i.name: i.shape for i in run.get_inputs()}
    assert shapes["pf_features"] == ["N", 20, 4] and shapes["globals"] == ["N", 3]
    assert shapes["image"] == ["N", 12, 12, 3]
    assert shapes["rows"] == ["N", "rows_1", 4]


@pytest.mark.slow
def test_a_saved_model_and_a_frozen_graph_answer_alike(networks: Path, tmp_path: Path) -> None:
    assert is_saved_model(networks / "saved")
    difference, names, _ = differences(networks / "saved", networks / "sigmoid.npz", tmp_path)
    assert difference < 1e-5 and sorted(names) == ["globals", "pf_features"]
    difference, names, _ = differences(networks / "frozen.pb", networks / "dense.npz", tmp_path)
    assert difference < 1e-5 and names == ["jet_features"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "name"), [("quantised.h5", "jet_features"), ("old.h5", "input_1"), ("old_saved", "input_1")]
)
def test_networks_of_keras_2_and_of_qkeras_answer_alike(
    old_networks: Path, tmp_path: Path, source: str, name: str
) -> None:
    expected = old_networks / f"{source.partition('.')[0].removesuffix('_saved')}.npz"
    difference, names, _ = differences(old_networks / source, expected, tmp_path)
    assert difference < 1e-5 and names == [name]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("square.keras", "Lambda layer, which is Python code that the file brings along"),
        ("square.h5", "Lambda layer, which is Python code that the file brings along"),
        ("alone.weights.h5", "holds weights without the network; save both together"),
    ],
)
def test_what_cannot_be_read_is_one_line(networks: Path, tmp_path: Path, file: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as told:
        to_onnx(networks / file, tmp_path)
    assert "\n" not in str(told.value) and not list(tmp_path.iterdir())


def test_a_damaged_file_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    if not has("h5py"):
        pytest.skip("needs h5py")
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 40)
    with pytest.raises(UserError, match=r"a\.h5: cannot be converted to ONNX|needs tensorflow") as told:
        to_onnx(tmp_path / "a.h5", tmp_path / "out")
    assert "\n" not in str(told.value) and not list((tmp_path / "out").iterdir())


def test_what_is_missing_is_said_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = tmp_path / "python"  # a Python without site-packages
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setenv(PYTHON, str(bare))
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"\x08\x01")
    with pytest.raises(UserError, match=r"needs tensorflow .*pip install -r requirements-keras\.txt") as told:
        to_onnx(tmp_path / "saved", tmp_path / "out")
    assert "\n" not in str(told.value)
    monkeypatch.setenv(PYTHON, str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="name a Python with TensorFlow"):
        to_onnx(tmp_path / "saved", tmp_path / "out")


def test_a_network_is_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tmp_path / "calls"
    fake = tmp_path / "python"  # writes something and answers like the conversion
    fake.write_text(f'#!/bin/sh\nprintf x >> {calls}\necho converted > "$5"\necho "{{}}"\n')
    fake.chmod(0o755)
    assert shutil.which(str(fake))
    monkeypatch.setenv(PYTHON, str(fake))
    (tmp_path / "a.keras").write_bytes(b"a")
    (tmp_path / "b.keras").write_bytes(b"b")
    first, again, other = (to_onnx(tmp_path / name, tmp_path / "out") for name in ("a.keras", "a.keras", "b.keras"))
    assert first == again != other and first.read_text() == "converted\n" and calls.read_text() == "xx"
