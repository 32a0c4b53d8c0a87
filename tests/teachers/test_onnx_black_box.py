"""ONNX networks in onnxruntime, without gradients."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from teachers.onnx_black_box import OnnxRuntimeNetwork
from teachers.onnx_operators.node import ConversionError
from tests.teachers.test_onnx_batches import X, of_a_piece


def test_a_black_box_takes_the_types_of_its_graph_has_no_gradients_and_can_be_copied() -> None:
    x = helper.make_tensor_value_info("x", TensorProto.INT32, ["N", 2])
    z = helper.make_tensor_value_info("z", TensorProto.FLOAT16, ["N", 2])
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT16, ["N", 2]) for n in ("y", "w")]
    nodes = [
        helper.make_node("Cast", ["x"], ["c"], to=TensorProto.FLOAT16),
        helper.make_node("Add", ["c", "z"], ["y"]),
        helper.make_node("Mul", ["z", "factor"], ["w"]),
    ]
    held = [numpy_helper.from_array(np.array([2, 3], np.float16), "factor")]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [x, z], ends, held), opset_imports=[helper.make_opsetid("", 13)], ir_version=8
    )
    network = OnnxRuntimeNetwork(model)
    assert not network.differentiable and network.published == 2 and "onnxruntime" in network.origin
    a, b = torch.tensor([[1.4, 1.6]]), torch.tensor([[0.5, 1.0]], requires_grad=True)  # 1 and 2, as whole numbers
    for other in (network, copy.deepcopy(network), pickle.loads(pickle.dumps(network)), network.to("cpu")):
        y, w = other(a, b)
        assert y.tolist() == [[1.5, 3]] and w.tolist() == [[1, 3]] and not y.requires_grad
    assert list(network.parameters()) == []


@pytest.mark.parametrize("batch", [1, 4])
def test_a_fixed_batch_is_honoured(batch: int) -> None:
    model = of_a_piece(batch)
    expected = (X[0] * (X[0].sum(1, keepdim=True) + 1)).flatten(1)
    for network in (OnnxRuntimeNetwork(model), OnnxRuntimeNetwork(model, X)):
        assert f"in pieces of {batch}" in network.origin
        assert torch.allclose(network(*X)[0], expected, atol=1e-6)


def test_old_operators_run_and_unknown_ones_do_not() -> None:
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", k]) for n, k in (("x", 2), ("y", 3))]
    held = [numpy_helper.from_array(np.ones(s, np.float32), n) for n, s in (("w", (2, 3)), ("b", (3,)))]
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], broadcast=1)
    model = helper.make_model(
        helper.make_graph([node], "g", ends[:1], ends[1:], held),
        opset_imports=[helper.make_opsetid("", 6)],
        ir_version=4,
    )
    model.graph.input.extend(
        helper.make_tensor_value_info(i.name, TensorProto.FLOAT, list(i.dims)) for i in model.graph.initializer
    )
    assert OnnxRuntimeNetwork(model)(torch.tensor([[1.0, 2.0]]))[0].tolist() == [[4, 4, 4]]
    model.graph.node[0].op_type = "Nothing"
    with pytest.raises(ConversionError, match="onnxruntime cannot open it") as error:
        OnnxRuntimeNetwork(model)
    assert "\n" not in str(error.value)


def test_probabilities_by_class_become_columns() -> None:
    """As classifiers of scikit-learn are exported: a list of numbers by class."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2])
    y = onnx.ValueInfoProto(name="y")
    y.type.sequence_type.elem_type.map_type.key_type = TensorProto.INT64
    y.type.sequence_type.elem_type.map_type.value_type.tensor_type.elem_type = TensorProto.FLOAT
    node = helper.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[0, 1])
    model = helper.make_model(
        helper.make_graph([node], "g", [x], [y]),
        opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 1)],
        ir_version=8,
    )
    assert OnnxRuntimeNetwork(model)(torch.tensor([[0.25, 0.75], [1.0, 0.0]]))[0].tolist() == [[0.25, 0.75], [1, 0]]
