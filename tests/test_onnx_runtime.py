"""Networks in onnxruntime, and the ranks and types that their files do not say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from zskt.onnx_runtime import feeds, optimised, run_onnx, session, with_integer_clips, with_ranks, write_onnx


def graph(nodes: list[onnx.NodeProto], kind: int, constants: dict[str, np.ndarray]) -> onnx.ModelProto:  # type: ignore[type-arg]
    """A graph from x (N, 2) to y, both of one type."""
    ends = [helper.make_tensor_value_info(name, kind, ["N", 2]) for name in "xy"]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "test", ends[:1], ends[1:], weights), opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 8
    return model


def test_inputs_are_of_the_types_that_a_network_asks_for() -> None:
    for kind, expected in ((TensorProto.FLOAT, np.float32), (TensorProto.INT64, np.int64), (TensorProto.BOOL, bool)):
        run = session(graph([helper.make_node("Identity", ["x"], ["y"])], kind, {}))
        named = feeds(run, [torch.tensor([[1.0, 0.0]])])
        assert named["x"].dtype == expected and run.run(None, named)[0].tolist() == [[1, 0]]


def test_intermediate_tensors_get_their_ranks_and_clipped_integers_stay_integers() -> None:
    nodes = [
        helper.make_node("Clip", ["x", "low", "high"], ["clipped"]),
        helper.make_node("Unsqueeze", ["clipped", "axis"], ["deep"]),
        helper.make_node("Squeeze", ["deep", "axis"], ["y"]),
    ]
    constants = {"low": np.int64(0), "high": np.int64(3), "axis": np.array([1])}
    model = graph(nodes, TensorProto.INT64, {name: np.asarray(value) for name, value in constants.items()})
    x = torch.tensor([[-5, 2], [9, 3]])
    ranked = with_ranks(model, [x])
    kinds = {v.name: v.type.tensor_type for v in ranked.graph.value_info}
    assert {name: len(kind.shape.dim) for name, kind in kinds.items()} == {"clipped": 2, "deep": 3}
    assert all(kind.elem_type == TensorProto.INT64 for kind in kinds.values())
    cast = with_integer_clips(ranked)
    assert [node.op_type for node in cast.graph.node] == ["Clip", "Cast", "Unsqueeze", "Squeeze"]
    assert len(ranked.graph.node) == 3 and not model.graph.value_info  # the arguments stay as they were
    run = session(cast)
    assert run.run(None, feeds(run, [x]))[0].tolist() == [[0, 2], [3, 3]]


def test_constants_are_computed_and_the_answers_stay() -> None:
    nodes = [helper.make_node("Add", ["one", "two"], ["three"]), helper.make_node("Mul", ["x", "three"], ["y"])]
    constants = {"one": np.ones(1, np.float32), "two": np.full(1, 2, np.float32)}
    simplified = optimised(graph(nodes, TensorProto.FLOAT, constants))
    assert [node.op_type for node in simplified.graph.node] == ["Mul"]
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
