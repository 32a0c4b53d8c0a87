"""Graphs of a few bytes that ask for terabytes, or for other files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from teachers.onnx_bounds import problems
from teachers.onnx_reader import open_file
from zskt.errors import UserError


def shape(*sizes: int) -> TensorProto:
    return numpy_helper.from_array(np.array(sizes, dtype=np.int64), "shape")


def model(node: onnx.NodeProto, *tensors: TensorProto, columns: int = 3) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", columns])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "g", [x], [y], list(tensors))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def huge() -> TensorProto:
    tensor = numpy_helper.from_array(np.ones(3, dtype=np.float32), "w")
    tensor.dims[:] = [10**6, 10**6]
    return tensor


def elsewhere() -> TensorProto:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


CASES: list[tuple[Callable[[], onnx.ModelProto], str]] = [
    (lambda: model(helper.make_node("Add", ["x", "w"], ["y"]), huge()), "w says to be 1000000 x 1000000"),
    (lambda: model(helper.make_node("Add", ["x", "w"], ["y"]), elsewhere()), "w lies in another file"),
    (
        lambda: model(helper.make_node("Expand", ["x", "shape"], ["y"]), shape(10**6, 10**6, 3)),
        "Expand makes 3e.12",
    ),
    (
        lambda: model(helper.make_node("ConstantOfShape", ["shape"], ["y"]), shape(10**12)),
        "OfShape makes 1e.12",
    ),
    (lambda: model(helper.make_node("Tile", ["x", "shape"], ["y"]), shape(10**10, 1)), "its Tile makes 1e.10"),
    (lambda: model(helper.make_node("Relu", ["x"], ["y"]), columns=10**12), "input x takes 1e.12 numbers"),
    (
        lambda: model(helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2], pads=[2**40, 0])),
        "pads of its MaxPool",
    ),
    (lambda: model(helper.make_node("RandomNormal", [], ["y"], shape=[2**20, 2**20])), "RandomNormal makes 1e.12"),
]


@pytest.mark.parametrize(("make", "words"), CASES, ids=[words for _, words in CASES])
def test_what_no_network_needs_is_refused(make: Callable[[], onnx.ModelProto], words: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(make().SerializeToString())
    with pytest.raises(UserError, match=f"model.onnx: is refused: .*{words}"):
        open_file(path)


def test_graphs_within_graphs_are_looked_at() -> None:
    inner = helper.make_graph([helper.make_node("Add", ["x", "w"], ["z"])], "inner", [], [], [elsewhere()])
    outer = model(helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner))
    assert "another file" in next(problems(outer))


def test_published_graphs_are_read(shared: Path) -> None:
    paths = list((shared / "teachers" / "cms").rglob("*.onnx"))
    assert len(paths) == 3
    for path in paths:
        assert not list(problems(onnx.load(str(path))))
