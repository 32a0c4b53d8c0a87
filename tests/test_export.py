"""Students that leave: graph networks and image networks in onnxruntime; taggers' own students in test_tagger_cli."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from teachers.images import DATA
from zskt.experiments.build import load_student
from zskt.experiments.config import Config
from zskt.export.dense import unpacked
from zskt.export.images import WithPreprocessing
from zskt.files import read_json
from zskt.networks.particlenet import ParticleNet
from zskt.networks.weaver import WeaverTagger
from zskt.onnx_runtime import run_onnx, session, write_onnx

from .conftest import Call

NAMES = ("points", "features", "mask")
AXES = tuple({0: "N", 2: "P"} for _ in NAMES)


def cloud(jets: int, slots: int, features: int) -> tuple[Tensor, ...]:
    """Jets of two particles at least, some with padding."""
    mask = (torch.arange(slots) < torch.randint(2, slots + 1, (jets, 1))).unsqueeze(1).float()
    return torch.randn(jets, 2, slots) * mask, torch.randn(jets, features, slots) * mask, mask


def statistics(network: nn.Module) -> None:
    """Normalisations that have seen something, so that folding them matters."""
    for m in network.modules():
        if isinstance(m, nn.BatchNorm1d):
            m.running_mean.normal_()  # type: ignore[union-attr]
            m.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
            m.weight.data.uniform_(0.5, 2)
            m.bias.data.normal_()


@pytest.mark.parametrize("kind", ["jetclass", "weaver"])
def test_graph_networks_answer_alike_in_onnxruntime_for_any_number_of_particles(kind: str, tmp_path: Path) -> None:
    blocks = ((4, (8, 8)), (5, (12,)))
    network: ParticleNet | WeaverTagger = ParticleNet(5, 3, blocks, 16)
    if kind == "weaver":
        network = WeaverTagger([("pf", 5, 6)], blocks, 16, 16, 3, softmax=False)
    statistics(network.eval())
    with torch.no_grad():
        leaving = unpacked(network)
        write_onnx(leaving, NAMES, AXES, cloud(3, 10, 5), tmp_path / "graph.onnx")
        for jets, slots in ((1, 2), (4, 3), (2, 6), (7, 40)):
            points, features, mask = cloud(jets, slots, 5)
            expected = network(points, features, mask > 0)
            assert torch.allclose(leaving(points, features, mask), expected, atol=1e-5)
            said = run_onnx(tmp_path / "graph.onnx", NAMES, (points, features, mask))
            assert torch.allclose(said, expected, atol=1e-5)
    assert network.rows is not leaving.rows


def test_a_graph_student_leaves_beside_its_graph_teacher(call: Call, tmp_path: Path) -> None:
    short = ("--pseudo-batches", 2, "--student-steps", 2, "--batch-size", 16, "--set", "evaluate_every=0")
    code, _, err = call("--mode", "zero-shot", "--student", "particlenet-light", *short, "--out", tmp_path / "run")
    assert code == 0, err
    code, out, err = call("--mode", "export", "--run", tmp_path / "run", "--out", tmp_path / "student")
    assert code == 0, err
    measured = read_json(tmp_path / "student/export.json")
    assert measured["difference"] < 1e-5 and measured["ties"] <= 0.02 * measured["compared"]
    assert measured["onnx"]["agreement_with_student"] > 0.99
    assert "by zskt from the publisher's parameters" in measured["latency"][0]["teacher"]
    assert "ms per jet" in out and "neighbours tie" in (tmp_path / "student/README.md").read_text()


def test_an_image_student_leaves_with_its_normalisation(call: Call, tmp_path: Path, digits: Path) -> None:
    fast = ("--data", digits, "--pseudo-batches", 3, "--batch-size", 16)
    assert call("--mode", "teacher", "--preset", "mnist-lenet5", *fast)[0] == 0
    preset = ("--preset", "mnist-lenet5-to-lenet5-half-paper")
    assert call("--mode", "zero-shot", *preset, *fast, "--out", tmp_path / "run")[0] == 0
    leave = ("--mode", "export", "--run", tmp_path / "run", "--data", digits, "--out", tmp_path / "student")
    code, out, err = call(*leave)
    assert code == 0, err
    measured = read_json(tmp_path / "student/export.json")
    assert measured["images"] == 40 and measured["difference"] < 1e-5 and len(measured["latency"]) == 4
    assert "ms per image" in out
    asked = {i.name: i.shape for i in session(tmp_path / "student/model.onnx").get_inputs()}
    assert asked == {"images": ["N", 1, 28, 28]}
    assert (tmp_path / "student/labels.txt").read_text().split() == list("0123456789")
    config = read_json(tmp_path / "run/config.json")
    config.pop("files")
    student = load_student(tmp_path / "run", Config.from_dict(config, "test"))
    pixels = torch.rand(5, 1, 28, 28)
    with torch.no_grad():
        expected = student(*DATA["mnist"].inputs((255 * pixels).round().to(torch.uint8))).softmax(1)
        alike = WithPreprocessing(student, DATA["mnist"].inputs)((255 * pixels).round() / 255)
    said = run_onnx(tmp_path / "student/model.onnx", ("images",), ((255 * pixels).round() / 255,))
    assert torch.allclose(alike, expected, atol=1e-6) and torch.allclose(said, expected, atol=1e-5)
