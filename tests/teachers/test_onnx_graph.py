"""ONNX graphs run node by node."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper, parser

from teachers.onnx_graph import GraphNetwork
from teachers.onnx_operators.node import ConversionError
from zskt.onnx_runtime import session

X = torch.tensor([[1.0, -2.0], [3.0, 4.0]])


def network(text: str, version: int = 15) -> GraphNetwork:
    return GraphNetwork(parse(text, version).graph, {"": version})


def parse(text: str, version: int = 15) -> onnx.ModelProto:
    return parser.parse_model(f'<ir_version: 8, opset_import: ["" : {version}]> {text}')


BRANCHES = """
agraph (float[N, 2] x) => (float[N, 2] y) {
    total = ReduceSum <keepdims = 0> (x)
    zero = Constant <value_float = 0.0> ()
    up = Greater (total, zero)
    three = Constant <value_float = 3.0> ()
    y = If (up) <
        then_branch = inner () => (float[N, 2] a) { a = Mul (x, three) },
        else_branch = other () => (float[N, 2] b) { b = Sub (x, total) }
    >
}
"""


def test_branches_take_values_from_around_them() -> None:
    net = network(BRANCHES)
    run = session(parse(BRANCHES))
    for x in (X, -X, X[:1]):
        assert torch.equal(net(x)[0], torch.from_numpy(np.asarray(run.run(None, {"x": x.numpy()})[0])))
    assert net(X)[0].tolist() == [[3, -6], [9, 12]] and net(-X)[0].tolist() == [[5, 8], [3, 2]]
    x = X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(net(x)[0].sum(), x)
    assert torch.equal(gradient, torch.full_like(X, 3))


def test_a_loop_carries_values_and_stacks_results() -> None:
    text = """
    agraph (float[N] x) => (float[N] last, float[M, N] rows) {
        turns = Constant <value_int = 3> ()
        last, rows = Loop (turns, "", x) <
            body = inner (int64 turn, bool go, float[N] carried) => (bool more, float[N] next, float[N] row) {
                more = Identity (go)
                next = Add (carried, x)
                row = Mul (carried, carried)
            }
        >
    }
    """.replace('""', "")
    model = parse(text.replace("Loop (turns, , x)", "Loop (turns, nothing, x)"))
    model.graph.node[1].input[1] = ""
    last, rows = GraphNetwork(model.graph, {"": 15})(torch.tensor([1.0, 2.0]))
    assert last.tolist() == [4, 8] and rows.tolist() == [[1, 4], [4, 16], [9, 36]]


def test_constants_are_computed_once_and_a_network_can_be_copied() -> None:
    net = network("""
    agraph (float[N, 2] x) => (float[N, 2] y) {
        two = Constant <value_floats = [2.0, 4.0]> ()
        four = Mul (two, two)
        root = Sqrt (four)
        y = Div (x, root)
    }
    """)
    assert [step.node.operator for step in net.steps] == ["Div"]
    for other in (net, copy.deepcopy(net), pickle.loads(pickle.dumps(net)), net.to("cpu")):
        assert other(X)[0].tolist() == [[0.5, -0.5], [1.5, 1.0]]


def test_unknown_operators_are_named_with_their_domain() -> None:
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in "xy"]
    for domain, said in (
        ("", "holds the operator Unknown$"),
        ("own.domain", "holds the operator Unknown of own.domain$"),
    ):
        graph = helper.make_graph([helper.make_node("Unknown", ["x"], ["y"], domain=domain)], "g", ends[:1], ends[1:])
        with pytest.raises(ConversionError, match=said):
            GraphNetwork(graph, {"": 15})


def test_attention_that_is_masked_everywhere_has_finite_gradients() -> None:
    """As PyTorch exports it: zeros in place of a softmax that is not a number."""
    net = network("""
    agraph (float[N, 2] x) => (float[N, 2] y) {
        s = Softmax <axis = -1> (x)
        none = IsNaN (s)
        zero = Constant <value_float = 0.0> ()
        y = Where (none, zero, s)
    }
    """)
    x = torch.tensor([[-torch.inf, -torch.inf], [0.0, 1.0]], requires_grad=True)
    (y,) = net(x)
    (gradient,) = torch.autograd.grad(y[:, 0].sum(), x)
    p = torch.softmax(torch.tensor([0.0, 1.0]), 0)
    assert y[0].tolist() == [0, 0] and torch.allclose(y[1], p)
    assert gradient[0].tolist() == [0, 0] and torch.allclose(gradient[1], torch.stack([p[0] * p[1], -p[0] * p[1]]))


def test_numbers_of_16_bits_are_computed_in_32_and_those_of_64_stay() -> None:
    for kind, expected in ((TensorProto.FLOAT16, torch.float32), (TensorProto.DOUBLE, torch.float64)):
        ends = [helper.make_tensor_value_info(n, kind, [2]) for n in "xy"]
        weight = numpy_helper.from_array(np.array([0.5, 3.0], helper.tensor_dtype_to_np_dtype(kind)), "w")
        graph = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["y"])], "g", ends[:1], ends[1:], [weight])
        (y,) = GraphNetwork(graph, {"": 15})(torch.tensor([2.0, 2.0]))
        assert y.dtype == expected and y.tolist() == [1, 6]
