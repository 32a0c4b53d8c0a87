"""Operators of ONNX against the cases of its own specification, and earlier versions of them against onnxruntime."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper

from teachers.onnx_graph import GraphNetwork
from teachers.onnx_operators import find
from teachers.onnx_operators.node import NARROW, ConversionError
from zskt.onnx_runtime import session

OTHERWISE = re.compile(
    "uint16|uint32|uint64|bitwise_not_3d"  # PyTorch computes nothing of them
    "|top_k_same_values"  # any of them is right
    "|empty_set|scan_sum|training_dropout"
    "|_to_|_FLOAT8|_UINT|_INT"  # types of few bits
    "|cast"
)


WANTED = {
    "Trilu", "If", "NonZero", "ScatterND", "Mod", "Range", "Where", "Expand", "Einsum", "LayerNormalization", "Gelu",
    "Erf", "GatherND", "GatherElements", "ScatterElements", "TopK", "CumSum", "ReduceSum", "Shape",
    "ConstantOfShape", "Equal", "Not", "And", "Or", "IsNaN", "IsInf", "Split", "Pad", "Clip", "Tile", "OneHot",
    "ArgMax", "LSTM", "GRU", "RNN", "Loop", "Attention", "RMSNormalization", "QuantizeLinear", "DequantizeLinear",
    "Conv", "AveragePool",
}  # fmt: skip
"""What the transformers and recurrent networks of experiments hold, at least."""


def number_of(values: Any) -> torch.Tensor:
    return torch.from_numpy(np.array(values))


def test_operators_give_what_the_specification_says() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        cases = [case for case in collect_testcases(None) if not OTHERWISE.search(case.name)]
    checked: Counter[str] = Counter()
    for case in cases:
        graph = case.model.graph
        ends = [*graph.input, *graph.output]
        if any(e.type.tensor_type.elem_type in NARROW or not e.type.HasField("tensor_type") for e in ends):
            continue
        try:
            network = GraphNetwork(graph, {o.domain: o.version for o in case.model.opset_import})
            for inputs, expected in case.data_sets:
                outputs = network(*(number_of(x) for x in inputs))
                for output, e in zip(outputs, expected, strict=False):
                    assert tuple(output.shape) == np.shape(e), case.name
                    same = np.testing.assert_allclose
                    same(output.double().numpy(), np.asarray(e, np.float64), rtol=1e-3, atol=1e-5, err_msg=case.name)
                checked[graph.node[0].op_type] += 1
        except ConversionError:
            continue
    assert not WANTED - set(checked)
    assert sum(checked.values()) > 1000 and len(checked) > 130


def one_node(
    operator: str, version: int, inputs: dict[str, Any], constants: dict[str, Any], n_outputs: int = 1, **more: Any
) -> onnx.ModelProto:
    """A graph of one node, whose inputs are ``inputs``, then ``constants``."""
    types = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in inputs.items()
    ]
    outputs = [f"y{i}" for i in range(n_outputs)]
    node = helper.make_node(operator, [*inputs, *constants], outputs, **more)
    held = [numpy_helper.from_array(v, n) for n, v in constants.items()]
    ends = [helper.make_empty_tensor_value_info(o) for o in outputs]
    graph = helper.make_graph([node], "one", types, ends, held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=8)


X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("operator", "version", "constants", "attributes"),
    [
        ("Softmax", 11, {}, {"axis": 1}),
        ("Softmax", 13, {}, {"axis": 1}),
        ("LogSoftmax", 9, {}, {}),
        ("Slice", 9, {}, {"starts": [1, -2], "ends": [3, 2**40], "axes": [1, 2]}),
        ("Squeeze", 11, {}, {"axes": [0]}),
        ("Unsqueeze", 11, {}, {"axes": [0, 2]}),
        ("Clip", 9, {}, {"min": -0.5, "max": 0.3}),
        ("Clip", 13, {"low": np.float32(-0.5)}, {}),
        ("Pad", 9, {}, {"pads": [0, 0, 1, 0, 2, 0], "value": 3.0}),
        ("ReduceMean", 13, {}, {"axes": [1], "keepdims": 0}),
        ("ReduceMean", 18, {"axes": np.array([1])}, {"keepdims": 0}),
        ("ReduceSum", 13, {"axes": np.array([-1, 0])}, {}),
        ("TopK", 9, {}, {"k": 2, "axis": 1}),
        ("TopK", 11, {"k": np.array([2])}, {"axis": 2, "largest": 0}),
        ("Split", 11, {}, {"split": [1, 2], "axis": 1}),
        ("Split", 13, {"split": np.array([1, 2])}, {"axis": 1}),
        ("Split", 18, {}, {"num_outputs": 2, "axis": 1}),
        ("Shape", 15, {}, {"start": -2, "end": 3}),
        ("Gather", 13, {"i": np.array(-1)}, {"axis": 1}),
        ("Gather", 13, {"i": np.array([[0, -1]])}, {"axis": 2}),
        ("CumSum", 14, {"axis": np.array(1)}, {"exclusive": 1, "reverse": 1}),
        ("Pow", 13, {"e": np.float32(2)}, {}),
        ("Mod", 13, {"e": np.float32(0.7)}, {"fmod": 1}),
        ("Trilu", 14, {"k": np.array(1)}, {"upper": 0}),
    ],
)
def test_versions_that_files_hold_agree_with_onnxruntime(
    operator: str, version: int, constants: dict[str, Any], attributes: dict[str, Any]
) -> None:
    x = X if operator != "Squeeze" else X[:1]
    constants = {name: np.asarray(value) for name, value in constants.items()}
    model = one_node(operator, version, {"x": x}, constants, 2 if operator in ("TopK", "Split") else 1, **attributes)
    expected = session(model).run(None, {"x": x})
    outputs = GraphNetwork(model.graph, {"": version})(torch.from_numpy(x))
    for output, e in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(output.numpy(), np.asarray(e), atol=1e-6)
        assert output.numpy().dtype == np.asarray(e).dtype


@pytest.mark.parametrize("operator", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("lengths", [None, [5, 3]])
def test_recurrent_layers_agree_with_onnxruntime(
    operator: str, direction: str, before: int, lengths: list[int] | None
) -> None:
    rng, d = np.random.default_rng(1), 2 if direction == "bidirectional" else 1
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[operator] * 6
    shapes = {"w": (d, gates, 3), "r": (d, gates, 6), "b": (d, 2 * gates)}
    constants = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    if lengths:
        constants["lengths"] = np.array(lengths, np.int32)
    x = rng.normal(size=(5, 2, 3)).astype(np.float32)
    more = {"linear_before_reset": before} if operator == "GRU" else {}
    n = 3 if operator == "LSTM" else 2
    model = one_node(operator, 14, {"x": x}, constants, n, hidden_size=6, direction=direction, **more)
    expected = session(model).run(None, {"x": x})
    t = torch.from_numpy(x).requires_grad_()
    outputs = GraphNetwork(model.graph, {"": 14})(t)
    for output, e in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(output.detach().numpy(), np.asarray(e), atol=1e-5)
    (gradient,) = torch.autograd.grad(outputs[1].sum(), t)
    assert bool(torch.isfinite(gradient).all()) and bool(gradient.any())


def test_operators_are_found_in_their_own_domain_alone() -> None:
    assert find("", "Trilu") is find("ai.onnx", "Trilu") is not None
    assert find("com.microsoft", "FusedMatMul") is not None
    assert find("com.microsoft", "Trilu") is None and find("", "Quant") is None
    assert find("qonnx.custom_op.general", "Quant") is not None and find("own.domain", "Quant") is None
