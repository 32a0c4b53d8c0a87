"""ParticleNets in ONNX as our own class."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch

from teachers import onnx_reader
from teachers.onnx_rebuild import is_close, neighbour_searches, rebuild
from tests.toy_taggers import Toy, described, write
from zskt.jets.preprocess import InputGroup, Variable, read_preprocess
from zskt.jets.random_inputs import random_inputs
from zskt.networks.weaver import WeaverTagger


@pytest.mark.filterwarnings("ignore")
def test_other_architectures_are_converted(tmp_path: Path) -> None:
    preprocess = described()
    path, where = write(tmp_path, preprocess, Toy(preprocess), "onnx")
    model = onnx.load(str(path))
    assert rebuild(model, preprocess.groups, []) is None
    assert len(neighbour_searches(model).graph.output) == 0
    network, groups = onnx_reader.read(path, read_preprocess(where).groups, where)
    assert type(network).__name__ == "Converted" and "0 of 64 random jets differ" in network.origin  # type: ignore[operator]
    assert [group.name for group in groups] == [group.name for group in preprocess.groups]


def test_closeness_is_that_of_most_jets() -> None:
    network, x = torch.nn.Identity(), (torch.zeros(5, 2),)
    assert is_close(network, x, torch.tensor([[0.0, 0.0]] * 4 + [[1.0, 0.0]]))
    assert not is_close(network, x, torch.full((5, 2), 0.1))


def test_published_particlenets_are_rebuilt(shared: Path) -> None:
    folder = shared / "teachers/cms/hlt-ak4-v00"
    preprocess = read_preprocess(folder / "preprocess.json")
    network, groups = onnx_reader.read(folder / "model.onnx", preprocess.groups, folder)
    inner = getattr(network, "network", network)
    assert isinstance(inner, WeaverTagger)
    assert inner(*random_inputs(groups, 3)).shape == (3, 4)
    assert isinstance(groups[0], InputGroup) and isinstance(groups[0].variables[0], Variable)
