"""ParticleNets in ONNX as our own class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch

from teachers import onnx_reader
from teachers.fitting import fit_inputs
from teachers.input_order import input_order
from teachers.onnx_rebuild import is_close, neighbour_searches, rebuild
from tests.toy_taggers import Toy, described, write
from zskt.jets.preprocess import read_preprocess
from zskt.jets.random_inputs import random_inputs
from zskt.networks.weaver import WeaverTagger


@pytest.mark.filterwarnings("ignore")
def test_other_architectures_are_converted(tmp_path: Path) -> None:
    preprocess = described()
    path, _ = write(tmp_path, preprocess, Toy(preprocess), "onnx")
    model = onnx.load(str(path))
    assert rebuild(model, preprocess.groups, []) is None
    assert len(neighbour_searches(model).graph.output) == 0
    groups = [replace(group, layout="BCP") for group in preprocess.groups]
    network = onnx_reader.open_file(path).network(random_inputs(groups, 64), groups)
    assert type(network).__name__ == "Converted" and "0 of 64 random jets differ" in network.origin  # type: ignore[operator]


def test_closeness_is_that_of_most_jets() -> None:
    network, x = torch.nn.Identity(), (torch.zeros(5, 2),)
    assert is_close(network, x, torch.tensor([[0.0, 0.0]] * 4 + [[1.0, 0.0]]))
    assert not is_close(network, x, torch.full((5, 2), 0.1))


def test_published_particlenets_are_rebuilt(shared: Path) -> None:
    folder = shared / "teachers/cms/hlt-ak4-v00"
    preprocess = read_preprocess(folder / "preprocess.json")
    file = onnx_reader.open_file(folder / "model.onnx")
    order = input_order([a.name for a in file.arguments], preprocess.groups, file.path, folder)
    fitted = fit_inputs(file, order, preprocess.groups, folder)
    assert {group.layout for group in fitted} == {"BCP"}
    groups = [fitted[i] for i in order]
    x = random_inputs(groups, 32)
    network = file.network(x, groups)
    assert isinstance(network, WeaverTagger)
    (expected,) = file.run(x)
    assert int(((network(*x) - expected).abs().amax(1) > 1e-4).sum()) <= 1, "more jets differ than ties would explain"
