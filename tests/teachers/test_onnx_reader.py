"""Networks stored as ONNX, as they are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from teachers import onnx_reader
from teachers.fitting import fit_inputs
from teachers.heads import Heads
from teachers.tagger import Tagger
from tests.toy_taggers import Toy, described, write
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.jets.random_inputs import random_inputs
from zskt.outputs import raw_outputs

pytestmark = pytest.mark.filterwarnings("ignore")
PREPROCESS = described()


def opened(path: Path, preprocess: Preprocess) -> tuple[nn.Module, tuple[InputGroup, ...]]:
    """The network in PyTorch, and its inputs as it takes them."""
    file = onnx_reader.open_file(path)
    groups = tuple(fit_inputs(file, range(len(file.arguments)), preprocess.groups, path))
    return file.network(random_inputs(groups, 64), groups), groups


def with_shapes(path: Path, batch: int, lengths: dict[str, int]) -> None:
    """Fix the number of jets, and that of entries by the beginning of an input's name."""
    model = onnx.load(str(path))
    for entry in model.graph.input:
        jets, _, length = entry.type.tensor_type.shape.dim
        jets.dim_value, length.dim_value = batch, lengths[entry.name[:2]]
    onnx.save(model, str(path))


def test_a_file_says_names_and_shapes_of_its_inputs_and_names_of_its_outputs(tmp_path: Path) -> None:
    toy = Toy(PREPROCESS)
    path, _ = write(tmp_path, PREPROCESS, toy, "onnx")
    file = onnx_reader.open_file(path)
    assert [argument.name for argument in file.arguments] == [group.name for group in PREPROCESS.groups]
    assert file.arguments[0].shape == ("N", 5, "pf") and file.arguments[3].shape == ("N", 1, "sv")
    assert (file.outputs, file.runtime, file.path) == (("softmax",), "onnxruntime", path)
    x = random_inputs(PREPROCESS.groups, 5)
    (answer,) = file.run(x)
    assert torch.allclose(answer, toy(*x), atol=1e-5) and not answer.requires_grad


def test_an_axis_without_name_and_size_is_free(tmp_path: Path) -> None:
    path, _ = write(tmp_path, PREPROCESS, Toy(PREPROCESS), "onnx")
    model = onnx.load(str(path))
    model.graph.input[0].type.tensor_type.shape.dim[2].Clear()
    onnx.save(model, str(path))
    assert onnx_reader.open_file(path).arguments[0].shape == ("N", 5, None)


def test_onnx_is_known_by_its_name_and_gradients_flow_to_its_inputs(tmp_path: Path) -> None:
    toy = Toy(PREPROCESS)
    path, where = write(tmp_path, PREPROCESS, toy, "onnx")
    assert onnx_reader.sniff(path) and not onnx_reader.sniff(where)
    network, groups = opened(path, PREPROCESS)
    x = random_inputs(groups, 5)
    x[0].requires_grad_()
    answer = raw_outputs(network, x)
    assert torch.allclose(answer, toy(*x), atol=1e-5)
    gradients = [torch.autograd.grad(y[:, 0].sum(), x[0])[0] for y in (answer, toy(*x))]
    assert torch.allclose(*gradients, atol=1e-6) and bool(gradients[1].any())


def test_a_fixed_batch_is_made_free_and_fixed_lengths_are_kept(tmp_path: Path) -> None:
    path, _ = write(tmp_path, PREPROCESS, Toy(PREPROCESS), "onnx")
    with_shapes(path, 1, {"pf": 7, "sv": 3})
    network, groups = opened(path, PREPROCESS)
    assert [(g.min_length, g.max_length, g.layout) for g in groups] == [(7, 7, "BCP")] * 2 + [(3, 3, "BCP")] * 2
    x = random_inputs(groups, 4)
    assert torch.allclose(raw_outputs(network, x), Toy(PREPROCESS)(*x), atol=1e-5)


def test_files_that_do_not_belong_together_are_told(tmp_path: Path) -> None:
    path, _ = write(tmp_path, PREPROCESS, Toy(PREPROCESS), "onnx")
    with pytest.raises(UserError, match=r"its input pf_features takes 5 variables, pf_features of .* has 6"):
        opened(path, described(names=("pfcand_more",)))
    path.write_bytes(b"no network")
    with pytest.raises(UserError, match=r"not a readable ONNX file .*; fetch it again") as error:
        onnx_reader.open_file(path)
    assert "\n" not in str(error.value)


def tagger_of(network: nn.Module) -> Tagger:
    """The network as if it were read."""
    groups = tuple(replace(group, layout="BCP") for group in PREPROCESS.groups)
    return Tagger(network.eval(), Heads((0, 1, 2), (), True), range(4), replace(PREPROCESS, groups=groups))


def test_the_publishers_file_is_told_from_another_and_leaves_under_the_names_of_its_description(
    tmp_path: Path,
) -> None:
    toy = Toy(PREPROCESS)
    path, where = write(tmp_path, PREPROCESS, toy, "onnx")
    other = Toy(PREPROCESS)
    nn.init.normal_(other.outer.weight)
    assert onnx_reader.holds_same_network(path, tagger_of(toy))
    assert not onnx_reader.holds_same_network(path, tagger_of(other))
    assert not onnx_reader.holds_same_network(where, tagger_of(toy))
    model = onnx.load(str(path))
    for entry in model.graph.input:
        for node in model.graph.node:
            node.input[:] = [f"{name}__0" if name == entry.name else name for name in node.input]
        entry.name += "__0"
    onnx.save(model, str(path))
    written = onnx_reader.open_file(path).as_onnx(tagger_of(toy), tmp_path)
    assert written is not None
    copy, whose = written
    assert copy.name == "teacher.onnx" and whose == "the publisher's ONNX"
    assert [entry.name for entry in onnx.load(str(copy)).graph.input] == [g.name for g in PREPROCESS.groups]
    assert onnx_reader.holds_same_network(copy, tagger_of(toy))
