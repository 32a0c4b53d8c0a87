"""Parameters alone of networks of images and of vectors, built by the code that the user names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from teachers import TEACHERS, card_of_files, card_of_record
from teachers.file_card import FileCard
from teachers.single_input import read_network
from teachers.vector_file import random_vectors
from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.experiments.teacher_files import TeacherFiles

CODE = """
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(channels, channels, 3, 1, 1), nn.BatchNorm2d(channels)

    def forward(self, x):
        return torch.relu(x + self.bn(self.conv(x)))


class ResNet(nn.Module):
    def __init__(self, classes=4, width=6):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 3, 2, 1), nn.BatchNorm2d(width)
        self.layer1 = nn.Sequential(Block(width), Block(width))
        self.fc = nn.Linear(width, classes)

    def forward(self, x):
        return self.fc(self.layer1(self.bn1(self.conv1(x))).mean((2, 3)))


def rows(width=8):
    return nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Linear(width, 3))
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "network.py"
    path.write_text(CODE)
    return path


def built(code: Path, name: str, **options: Any) -> nn.Module:
    """The network itself, with running statistics of its own."""
    held: dict[str, Any] = {}
    exec(code.read_text(), held)
    torch.manual_seed(3)
    network: nn.Module = held[name](**options)
    for key, buffer in network.named_buffers():
        if key.endswith("mean"):
            buffer.uniform_(-0.5, 0)
        elif key.endswith("var"):
            buffer.uniform_(0.05, 0.2)
    return network.eval()


def save(network: nn.Module, path: Path) -> Path:
    """Save parameters as safetensors, else as a training script does, beside other things."""
    state = network.state_dict()
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({"model": {f"module.{name}": value for name, value in state.items()}, "epoch": 7}, path)
    return path


@pytest.mark.parametrize("file", ["net.pt", "net.safetensors"])
@pytest.mark.parametrize("name", ["", ":ResNet"])
def test_parameters_of_an_image_network_are_the_network(tmp_path: Path, code: Path, file: str, name: str) -> None:
    network, x = built(code, "ResNet"), torch.rand(5, 3, 8, 8)
    path = save(network, tmp_path / file)
    card = card_of_files(path, input_shape=(3, 8, 8), architecture=(f"{code}{name}", None))
    teacher = card.load()
    assert torch.allclose(teacher(x), network(x), atol=1e-5) and teacher.gradient == "yes"
    assert card.parameters() == sum(p.numel() for p in network.parameters())
    record = json.loads(json.dumps(card.record()))
    again = card_of_record(card.name, record, tmp_path / "inputs.json").with_files(path)
    assert torch.equal(again.load()(x), teacher(x))  # a run goes on without its flags
    code.write_text(CODE + "\n")
    read_network.cache_clear()  # as in another process
    with pytest.raises(UserError, match="not the file that the run began with; put it back"):
        card_of_record(card.name, record, tmp_path / "inputs.json").with_files(save(network, tmp_path / file)).load()


@pytest.mark.parametrize("file", ["net.pt", "net.safetensors"])
def test_parameters_of_a_network_of_vectors_are_the_network(tmp_path: Path, code: Path, file: str) -> None:
    network, inputs = built(code, "rows", width=9), tmp_path / "features.json"
    inputs.write_text(json.dumps({"features": [{"name": n, "low": -1, "high": 1} for n in "abcde"]}))
    files = TeacherFiles(
        network=save(network, tmp_path / file), inputs=inputs, architecture=(f"{code}:rows", '{"width": 9}')
    )
    catalog = Catalog(TEACHERS, {}, {}, {}, card_of_files, card_of_record, lambda path: False)
    catalog, name = catalog.with_files(None, files)
    assert name is not None
    card = catalog.teachers[name]
    assert isinstance(card, FileCard)
    x = random_vectors(card.inputs)  # type: ignore[arg-type]
    assert torch.allclose(card.load()(x), network(x), atol=1e-5)


def test_what_does_not_belong_together_is_told_in_a_line(tmp_path: Path, code: Path) -> None:
    path = save(built(code, "ResNet"), tmp_path / "net.pt")
    for architecture, message in (
        ((f"{code}:ResNet", '{"width": 7}'), "is not of the named architecture .*; give --architecture-options"),
        ((f"{code}:rows", None), r"is not of the named architecture \(it lacks 0.weight, .* names differ\)"),
        ((f"{code}:Other", None), "has no class or function Other; it has Block, ResNet"),
    ):
        with pytest.raises(UserError, match=message) as error:
            card_of_files(path, input_shape=(3, 8, 8), architecture=architecture).load()
        assert "\n" not in str(error.value)
    script = tmp_path / "script.pt"
    torch.jit.script(nn.Flatten()).save(str(script))
    with pytest.raises(UserError, match=r"script\.pt holds no parameters alone; leave the flag out"):
        card_of_files(script, input_shape=(3, 8, 8), architecture=(str(code), None)).load()
