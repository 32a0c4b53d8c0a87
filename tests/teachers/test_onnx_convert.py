"""ONNX graphs as PyTorch modules, checked against onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from teachers.onnx_convert import Converted, convert
from zskt.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore")
X = (torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), torch.tensor([[10.0, 10.0]] * 3))
"""In the order of the description, b before a in the graphs."""


def graph(nodes: list[onnx.NodeProto], **constants: np.ndarray) -> onnx.ModelProto:  # type: ignore[type-arg]
    """A graph from a (N, 2) of float and b (N, 2) of int64 to y."""
    inputs = [
        helper.make_tensor_value_info(name, kind, ["N", 2])
        for name, kind in (("a", TensorProto.FLOAT), ("b", TensorProto.INT64))
    ]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "test", inputs, [output], weights), opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 8
    return model


def converted(model: onnx.ModelProto, fixed_batch: int = 0) -> Converted:
    """Convert a graph whose input a is the second of the description."""
    return convert(model, list(model.graph.input), [1, 0], X, Path("a.onnx"), Path("a.json"), fixed_batch)


CAST = helper.make_node("Cast", ["b"], ["number"], to=TensorProto.FLOAT)


def test_a_graph_takes_its_inputs_in_the_order_of_the_description_and_in_its_own_types() -> None:
    network = converted(graph([CAST, helper.make_node("Sub", ["a", "number"], ["y"])]))
    assert network(*X).tolist() == [[9, 8], [7, 6], [5, 4]]
    assert network(X[0] + 0.5, X[1]).tolist() == [[9, 8], [7, 6], [5, 4]]  # b is whole
    assert network.origin.startswith("ONNX, converted: 0 of 3 random jets differ from onnxruntime")
    assert not network.training


def test_an_lstm_is_refused_in_one_line() -> None:
    nodes = [
        CAST,
        helper.make_node("Add", ["a", "number"], ["both"]),
        helper.make_node("Unsqueeze", ["both", "axis"], ["sequence"]),
        helper.make_node("LSTM", ["sequence", "w", "r"], ["", "hidden"], hidden_size=3),
        helper.make_node("Squeeze", ["hidden", "axis"], ["y"]),
    ]
    w, r = np.zeros((1, 12, 2), np.float32), np.zeros((1, 12, 3), np.float32)
    with pytest.raises(UserError, match=r"^a\.onnx: holds the operator LSTM, which onnx2torch cannot convert") as error:
        converted(graph(nodes, w=w, r=r, axis=np.array([0])))
    assert "\n" not in str(error.value)


def test_a_graph_that_does_not_run_is_told_and_a_fixed_batch_is_blamed_where_there_is_one() -> None:
    nodes = [CAST, helper.make_node("Add", ["a", "number"], ["both"]), helper.make_node("Add", ["both", "w"], ["y"])]
    wrong = graph(nodes, w=np.zeros((5, 2), np.float32))  # not as many as there are jets
    with pytest.raises(UserError, match=r"onnxruntime cannot run it on what a\.json describes") as error:
        converted(wrong)
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match=r"was exported for batches of exactly 5; export it with a dynamic first axis"):
        converted(wrong, fixed_batch=5)
