"""Networks in onnxruntime: run, simplified, and written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from zskt.onnx_runtime import LEVELS, count_weights, feeds, optimised, run_onnx, session, write_onnx


def graph(nodes: list[onnx.NodeProto], kind: int, constants: dict[str, np.ndarray]) -> onnx.ModelProto:  # type: ignore[type-arg]
    """A graph from x (N, 2) to y, both of one type."""
    ends = [helper.make_tensor_value_info(name, kind, ["N", 2]) for name in "xy"]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "test", ends[:1], ends[1:], weights), opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 8
    return model


KINDS = (
    (TensorProto.FLOAT, np.float32), (TensorProto.DOUBLE, np.float64), (TensorProto.FLOAT16, np.float16),
    (TensorProto.INT64, np.int64), (TensorProto.INT32, np.int32), (TensorProto.BOOL, bool),
)  # fmt: skip


def test_inputs_are_of_the_types_that_a_network_asks_for() -> None:
    for kind, expected in KINDS:
        run = session(graph([helper.make_node("Identity", ["x"], ["y"])], kind, {}))
        named = feeds(run, [torch.tensor([[1.0, 0.0]])])
        assert named["x"].dtype == expected and run.run(None, named)[0].tolist() == [[1, 0]]


def test_integers_are_the_nearest_ones_of_their_type() -> None:
    near = torch.tensor([[253.99998, 0.6], [-3.0, 300.0]])
    for kind, expected in ((TensorProto.UINT8, [[254, 1], [0, 255]]), (TensorProto.INT32, [[254, 1], [-3, 300]])):
        run = session(graph([helper.make_node("Identity", ["x"], ["y"])], kind, {}))
        assert feeds(run, [near])["x"].tolist() == expected
    run = session(graph([helper.make_node("Identity", ["x"], ["y"])], TensorProto.INT64, {}))
    assert feeds(run, [near])["x"].tolist() == [[254, 1], [-3, 300]]


def test_parameters_are_counted_without_statistics_and_single_numbers() -> None:
    nodes = [
        helper.make_node("BatchNormalization", ["x", "scale", "bias", "mean", "variance"], ["n"]),
        helper.make_node("MatMul", ["n", "w"], ["m"]),
        helper.make_node("Mul", ["m", "one"], ["y"]),
    ]
    constants = {name: np.ones(2, np.float32) for name in ("scale", "bias", "mean", "variance")}
    constants |= {"w": np.ones((2, 2), np.float32), "one": np.ones(1, np.float32), "shape": np.array([1, 2, 3])}
    assert count_weights(graph(nodes, TensorProto.FLOAT, constants)) == 2 + 2 + 4


def test_weights_of_quantised_operators_count_and_their_scales_do_not() -> None:
    inputs = ["x", "scale", "zero", "w", "scales", "zeros", "scale", "zero"]
    nodes = [
        helper.make_node("QLinearMatMul", inputs, ["y"]),
        helper.make_node("DequantizeLinear", ["b", "scales"], ["z"]),
    ]
    constants: dict[str, Any] = {"scale": np.ones(1, np.float32), "scales": np.ones(4, np.float32)}
    constants |= {"zero": np.zeros(1, np.uint8), "zeros": np.zeros(4, np.int8)}
    constants |= {"w": np.ones((3, 4), np.int8), "b": np.ones(4, np.int8)}
    assert count_weights(graph(nodes, TensorProto.FLOAT, constants)) == 12 + 4


def test_constants_are_computed_and_the_answers_stay() -> None:
    nodes = [helper.make_node("Add", ["one", "two"], ["three"]), helper.make_node("Mul", ["x", "three"], ["y"])]
    constants = {"one": np.ones(1, np.float32), "two": np.full(1, 2, np.float32)}
    model = graph(nodes, TensorProto.FLOAT, constants)
    for level, left in zip(LEVELS, (["Mul"], ["Mul"], ["Add", "Mul"]), strict=True):
        simplified = optimised(model, level)
        assert [node.op_type for node in simplified.graph.node] == left
        run = session(simplified)
        assert run.run(None, feeds(run, [torch.tensor([[1.0, -2.0]])]))[0].tolist() == [[3, -6]]


class Difference(torch.nn.Module):
    """A network that does not use its last input."""

    def forward(self, a: torch.Tensor, b: torch.Tensor, unused: torch.Tensor) -> torch.Tensor:
        return a - b


def test_a_written_network_runs_by_the_names_of_the_inputs_that_it_uses(tmp_path: Path) -> None:
    names, path = ("b", "a", "c"), tmp_path / "model.onnx"
    used = write_onnx(Difference(), names, [{0: "N"}] * 3, [torch.zeros(3, 2)] * 3, path)
    assert {"a", "b"} <= used <= {"a", "b", "c"}
    b, a, c = torch.full((7, 2), 5.0), torch.full((7, 2), 2.0), torch.zeros(7, 2)
    assert torch.equal(run_onnx(path, names, (b, a, c)), torch.full((7, 2), 3.0))
    assert torch.equal(run_onnx(path, ("a", "b", "c"), (a, b, c)), torch.full((7, 2), 3.0))
