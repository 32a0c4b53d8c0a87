"""What a file holds is told by its content, and nothing in it is executed."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, save
from safetensors.torch import save_file
from torch import nn

from teachers.kinds import REMEDIES, kind_of_file, remedy

ROOT = Path(__file__).parents[2]


class Evil:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (Path.touch, (self.trace,))


def graph(domain: str = "") -> object:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 5]) for name in "xy")
    node = helper.make_node("Quant" if domain else "Relu", ["x"], ["y"], domain=domain)
    return helper.make_model(helper.make_graph([node], "g", [x], [y]), opset_imports=[helper.make_opsetid("", 13)])


def hdf5(path: Path, *attributes: str) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name in attributes:
            file.attrs[name] = "{}"
        file["data"] = np.zeros(3)


def exported(path: Path) -> None:
    torch.export.save(torch.export.export(nn.Linear(3, 2), (torch.zeros(2, 3),)), path)


def archive(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, "{}")


def lightning(path: Path) -> None:
    state = {f"model.{name}": value for name, value in nn.Linear(3, 2).state_dict().items()}
    torch.save({"state_dict": state, "pytorch-lightning_version": "2.4.0", "callbacks": {"a": Path("x")}}, path)


def saved_model(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00")


LINEAR = nn.Linear(3, 2)
WRITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "state_dict": ("state_dict", lambda path: torch.save(LINEAR.state_dict(), path)),
    "state_dict of plain names": ("state_dict", lambda path: torch.save({"w": torch.zeros(2)}, path)),
    "state_dict of before 2020": (
        "state_dict",
        lambda path: torch.save(LINEAR.state_dict(), path, _use_new_zipfile_serialization=False),
    ),
    "state_dict by pickle 4": ("state_dict", lambda path: torch.save(LINEAR.state_dict(), path, pickle_protocol=4)),
    "whole module": ("pickled module", lambda path: torch.save(LINEAR, path)),
    "whole module of before 2020": (
        "pickled module",
        lambda path: torch.save(LINEAR, path, _use_new_zipfile_serialization=False),
    ),
    "checkpoint": ("checkpoint", lambda path: torch.save({"epoch": 1, "state_dict": LINEAR.state_dict()}, path)),
    "Lightning": ("checkpoint", lightning),
    "one tensor": ("tensors", lambda path: torch.save(torch.zeros(3), path)),
    "scikit-learn": ("pickle", lambda path: path.write_bytes(pickle.dumps({"a": Path("b")}))),
    "TorchScript": ("TorchScript", lambda path: torch.jit.trace(LINEAR, torch.zeros(2, 3)).save(str(path))),
    "torch.export": ("torch.export", exported),
    "AOTInductor": ("AOTInductor", lambda path: archive(path, "m/data/aotinductor/model/a.so", "m/archive_format")),
    "ONNX": ("ONNX", lambda path: save(graph(), path)),
    "QONNX": ("QONNX", lambda path: save(graph("finn.custom_op.general"), path)),
    "QONNX of today": ("QONNX", lambda path: save(graph("qonnx.custom_op.general"), path)),
    "Keras 3": ("Keras", lambda path: archive(path, "config.json", "metadata.json", "model.weights.h5")),
    "Keras h5": ("Keras", lambda path: hdf5(path, "model_config", "keras_version")),
    "Keras weights": ("Keras weights", lambda path: hdf5(path, "layer_names")),
    "other HDF5": ("HDF5", hdf5),
    "SavedModel": ("SavedModel", saved_model),
    "frozen graph": ("TensorFlow graph", lambda path: path.write_bytes(b"\n\x10\n\x01x\x12\x0bPlaceholder")),
    "TensorFlow Lite": ("TensorFlow Lite", lambda path: path.write_bytes(b"\x1c\0\0\0TFL3" + b"\0" * 40)),
    "safetensors": ("safetensors", lambda path: save_file(LINEAR.state_dict(), path)),
    "JSON": ("JSON", lambda path: path.write_text(json.dumps({"input_names": []}))),
    "web page": ("HTML", lambda path: path.write_text("\n<!DOCTYPE html>\n<html><body>model.pt</body></html>")),
    "LFS": ("Git LFS pointer", lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\nsize 9\n")),
    "empty": ("empty", lambda path: path.write_bytes(b"")),
    "NumPy arrays": ("NumPy arrays", lambda path: np.savez(path.open("wb"), a=np.zeros(2))),
    "another archive": ("archive", lambda path: archive(path, "a/model.pt", "a/preprocess.json")),
    "folder": ("folder", lambda path: path.mkdir()),
    "noise": ("unknown", lambda path: path.write_bytes(bytes(range(7, 256)) * 9)),
    "text": ("unknown", lambda path: path.write_text("import torch\n")),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    kind, write = WRITERS[name]
    path = tmp_path / "network"
    write(path)
    assert kind_of_file(path) == kind
    line = remedy(path)
    assert line == f"{path}: is {REMEDIES[kind]}" and "\n" not in line and len(line) < 400 + len(str(path))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("state_dict", "truncated archive"),
        ("torch.export", "truncated archive"),
        ("safetensors", "truncated safetensors"),
        ("state_dict of before 2020", "truncated archive"),
        ("ONNX", "unknown"),
    ],
)
def test_a_file_whose_end_is_missing_is_not_a_sound_one(tmp_path: Path, name: str, kind: str) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    WRITERS[name][1](whole)
    size = 40 if name == "ONNX" else 100
    part.write_bytes(whole.read_bytes()[: min(size, whole.stat().st_size - 8)])
    assert kind_of_file(part) == kind


def test_nothing_is_executed(tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "network.pt"
    for save_it in (
        lambda: torch.save({"a.weight": torch.zeros(2), "evil": Evil(trace)}, path),
        lambda: torch.save({"a": Evil(trace)}, path, _use_new_zipfile_serialization=False),
        lambda: path.write_bytes(pickle.dumps(Evil(trace))),
    ):
        save_it()
        assert kind_of_file(path) == "pickle" and not trace.exists()
    pickle.loads(path.read_bytes())  # it would have been
    assert trace.exists()


def test_what_ships_and_what_is_published_is_known(tmp_path: Path, shared: Path) -> None:
    shutil.copy(ROOT / "zskt" / "sample" / "sample.root", tmp_path / "a.pt")
    files = {
        tmp_path / "a.pt": "ROOT file",
        ROOT / "teachers" / "embedded" / "mnist-lenet5.safetensors": "safetensors",
        shared / "teachers" / "jetclass" / "ParticleNet_kin.pt": "state_dict",
        shared / "teachers" / "cifar10" / "resnet20-12fca82f.th": "checkpoint",
        shared / "teachers" / "cms" / "ak8-md-ul" / "model.pt": "TorchScript",
        shared / "teachers" / "cms" / "ak8-md-ul" / "model.onnx": "ONNX",
    }
    assert {path: kind_of_file(path) for path in files} == files


def test_json_of_windows_is_json(tmp_path: Path) -> None:
    (tmp_path / "preprocess.json").write_bytes("{}".encode("utf-8-sig"))
    assert kind_of_file(tmp_path / "preprocess.json") == "JSON"
