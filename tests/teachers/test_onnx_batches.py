"""ONNX networks for batches of one size."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from teachers.onnx_batches import InPieces, fixed_batch, free_batch, freed, in_pieces
from teachers.onnx_black_box import OnnxRuntimeGraph
from teachers.onnx_graph import GraphNetwork

N = 4
X = (torch.randn(11, 2, 3, generator=torch.Generator().manual_seed(0)),)


def graph(nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray], batch: int = N) -> onnx.ModelProto:  # type: ignore[type-arg]
    """A graph from x (N, 2, 3) to y (N, 6)."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 2, 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 6])
    held = [numpy_helper.from_array(v, n) for n, v in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [x], [y], held), opset_imports=[helper.make_opsetid("", 13)], ir_version=8
    )
    onnx.checker.check_model(model)
    return model


def declared_only(batch: int = N) -> onnx.ModelProto:
    return graph([helper.make_node("Flatten", ["x"], ["y"])], {}, batch)


def reshaped(batch: int = N) -> onnx.ModelProto:
    return graph([helper.make_node("Reshape", ["x", "shape"], ["y"])], {"shape": np.array([batch, 6])}, batch)


def of_a_piece(batch: int = N) -> onnx.ModelProto:
    """Joins a token for each jet of the batch, which no other batch size has."""
    nodes = [
        helper.make_node("Concat", ["x", "token"], ["both"], axis=1),
        helper.make_node("ReduceSum", ["both", "axis"], ["sum"]),
        helper.make_node("Mul", ["x", "sum"], ["scaled"]),
        helper.make_node("Reshape", ["scaled", "shape"], ["y"]),
    ]
    constants = {"token": np.ones((batch, 1, 3), np.float32), "axis": np.array([1]), "shape": np.array([batch, -1])}
    return graph(nodes, constants, batch)


@pytest.mark.parametrize("batch", [1, N])
@pytest.mark.parametrize("make", [declared_only, reshaped])
def test_a_batch_size_that_is_declared_or_in_a_shape_is_freed(make: object, batch: int) -> None:
    model = make(batch)  # type: ignore[operator]
    assert fixed_batch(model) == batch
    free, left = freed(model, X, OnnxRuntimeGraph)
    assert left == 0 and fixed_batch(model) == batch  # the argument stays as it was
    assert torch.equal(OnnxRuntimeGraph(free)(*X)[0], X[0].flatten(1))


@pytest.mark.parametrize("batch", [1, N])
def test_a_batch_size_that_is_in_the_weights_is_kept_and_the_network_run_in_pieces(batch: int) -> None:
    model = of_a_piece(batch)
    same, left = freed(model, X, OnnxRuntimeGraph)
    assert left == batch and same is model
    expected = (X[0] * (X[0].sum(1, keepdim=True) + 1)).flatten(1)
    black_box = InPieces(OnnxRuntimeGraph(model), batch)
    converted = in_pieces(GraphNetwork(model.graph, {"": 13}), batch, X)
    assert converted.vectorised
    for network in (black_box, converted, InPieces(converted.network, batch)):
        for n in (11, batch, 1, 8):
            assert torch.allclose(network(X[0][:n])[0], expected[:n], atol=1e-6)
    x = X[0].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(converted(x)[0].sum(), x)
    (wanted,) = torch.autograd.grad((x * (x.sum(1, keepdim=True) + 1)).sum(), x)
    assert torch.allclose(gradient, wanted, atol=1e-5)


def test_networks_that_read_numbers_are_run_one_piece_after_the_other() -> None:
    class Reads(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor]:
            return (x * float(x.sum()),)

    pieces = in_pieces(Reads(), 1, X)
    assert not pieces.vectorised
    assert torch.allclose(pieces(*X)[0], X[0] * X[0].sum((1, 2), keepdim=True))


def test_batch_sizes_are_of_all_inputs() -> None:
    model = declared_only()
    model.graph.input.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, ["M", 2]))
    assert fixed_batch(model) == N
    model.graph.input.append(helper.make_tensor_value_info("third", TensorProto.FLOAT, [N + 1, 2]))
    assert fixed_batch(model) == 0
    assert free_batch(declared_only(), N, False).graph.input[0].type.tensor_type.shape.dim[0].dim_value == 0
