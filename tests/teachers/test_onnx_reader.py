"""Networks stored as ONNX, as they are read."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from teachers import onnx_reader
from tests.toy_taggers import Toy, described, write
from zskt.errors import UserError
from zskt.jets.random_inputs import random_inputs

pytestmark = pytest.mark.filterwarnings("ignore")
PREPROCESS = described()


class Outer(nn.Module):
    """Holds its network as taggers do."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network


def test_onnx_is_known_by_its_name_and_gradients_flow_to_its_inputs(tmp_path: Path) -> None:
    toy = Toy(PREPROCESS)
    path, where = write(tmp_path, PREPROCESS, toy, "onnx")
    assert onnx_reader.sniff(path) and not onnx_reader.sniff(where)
    network, groups = onnx_reader.read(path, PREPROCESS.groups, where)
    x = random_inputs(groups, 5)
    x[0].requires_grad_()
    (answer,) = network(*x)
    assert torch.allclose(answer, toy(*x), atol=1e-5)
    answer[:, 0].sum().backward()
    assert x[0].grad is not None and x[0].grad.any()


def test_a_fixed_batch_is_made_free_and_fixed_lengths_are_kept(tmp_path: Path) -> None:
    path, where = write(tmp_path, PREPROCESS, Toy(PREPROCESS), "onnx")
    model = onnx.load(str(path))
    for entry in model.graph.input:
        batch, _, length = entry.type.tensor_type.shape.dim
        batch.dim_value, length.dim_value = 1, 7 if entry.name.startswith("pf") else 3
    onnx.save(model, str(path))
    network, groups = onnx_reader.read(path, PREPROCESS.groups, where)
    assert [(g.min_length, g.max_length) for g in groups] == [(7, 7), (7, 7), (3, 3), (3, 3)]
    assert network(*random_inputs(groups, 4))[0].shape == (4, 3)


def test_files_that_do_not_belong_together_are_told(tmp_path: Path) -> None:
    path, where = write(tmp_path, PREPROCESS, Toy(PREPROCESS), "onnx")
    with pytest.raises(UserError, match=r"its input pf_features takes 5 variables, pf_features of .* has 6"):
        onnx_reader.read(path, described(names=("pfcand_more",)).groups, where)
    path.write_bytes(b"no network")
    with pytest.raises(UserError, match=r"not a readable ONNX file .*; fetch it again") as error:
        onnx_reader.read(path, PREPROCESS.groups, where)
    assert "\n" not in str(error.value)


def test_the_publishers_file_is_told_from_another_and_leaves_under_the_names_of_its_description(
    tmp_path: Path,
) -> None:
    toy = Toy(PREPROCESS)
    path, where = write(tmp_path, PREPROCESS, toy, "onnx")
    other = Toy(PREPROCESS)
    nn.init.normal_(other.outer.weight)
    assert onnx_reader.holds_same_network(path, Outer(toy), PREPROCESS)
    assert not onnx_reader.holds_same_network(path, Outer(other), PREPROCESS)
    assert not onnx_reader.holds_same_network(where, Outer(toy), PREPROCESS)
    model = onnx.load(str(path))
    for entry in model.graph.input:
        for node in model.graph.node:
            node.input[:] = [f"{name}__0" if name == entry.name else name for name in node.input]
        entry.name += "__0"
    onnx.save(model, str(path))
    copy, whose = onnx_reader.as_onnx(path, toy, PREPROCESS, tmp_path)
    assert copy.name == "teacher.onnx" and whose == "the publisher's ONNX"
    assert [entry.name for entry in onnx.load(str(copy)).graph.input] == [g.name for g in PREPROCESS.groups]
    assert onnx_reader.holds_same_network(copy, Outer(toy), PREPROCESS)
