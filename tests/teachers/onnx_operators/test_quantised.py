"""Rounding to few bits, against numpy as QONNX's documentation computes it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from teachers.onnx_graph import GraphNetwork
from teachers.onnx_operators.node import Node
from teachers.onnx_operators.quantised import QONNX_OPERATORS

X = np.concatenate([np.random.default_rng(0).normal(size=200) * 3, np.arange(-4, 4, 0.125)]).astype(np.float32)
ROUNDINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # type: ignore[type-arg]
    "ROUND": np.round,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "DOWN": np.fix,
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - 0.5),
}


def run(operator: str, *numbers: float, version: int = 1, **attributes: object) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """Quantise X; return the result and the gradient of its sum."""
    x = torch.from_numpy(X.copy()).requires_grad_()
    node = Node(operator, version, 1, dict(attributes))
    y = QONNX_OPERATORS[operator](node, x, *(torch.tensor(n) for n in numbers))
    (gradient,) = torch.autograd.grad(y.sum(), x)
    return y.detach().numpy(), gradient.numpy()


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize(
    ("signed", "narrow", "low", "high"), [(1, 0, -8, 7), (1, 1, -7, 7), (0, 0, 0, 15), (0, 1, 0, 14)]
)
def test_quant_rounds_within_its_bits_and_passes_gradients_there(
    rounding: str, signed: int, narrow: int, low: int, high: int
) -> None:
    y, gradient = run("Quant", 0.25, 1.0, 4.0, signed=signed, narrow=narrow, rounding_mode=rounding)
    steps = X / np.float32(0.25) + 1
    expected = (ROUNDINGS[rounding](np.clip(steps, low, high)) - 1) * 0.25
    np.testing.assert_allclose(y, expected)
    assert set(np.unique(gradient)) == {0, 1}
    np.testing.assert_array_equal(gradient[(steps > low) & (steps < high)], 1)
    np.testing.assert_array_equal(gradient[(steps < low) | (steps > high)], 0)


def test_one_bit_is_a_sign() -> None:
    for operator, numbers in (("BipolarQuant", (0.5,)), ("Quant", (0.5, 0.0, 1.0))):
        y, gradient = run(operator, *numbers)
        np.testing.assert_array_equal(y, np.where(X < 0, -0.5, 0.5))
        assert gradient.all()


def test_trunc_drops_bits() -> None:
    y, _ = run("Trunc", 0.25, 0.0, 8.0, 4.0, rounding_mode="FLOOR")
    np.testing.assert_allclose(y, np.floor(np.round(X / 0.25) / 16) * 0.25)
    y, gradient = run("Trunc", 0.25, 0.0, 8.0, 1.0, 3.0, version=2, signed=1, narrow=0)
    np.testing.assert_allclose(y, np.floor(np.clip(np.round(X / 0.25) / 4, -4, 3)))
    assert gradient.any()


def test_an_eight_bit_graph_gives_what_it_quantises_to_and_has_gradients() -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N"])
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
    ]
    held = [numpy_helper.from_array(np.float32(0.02), "scale"), numpy_helper.from_array(np.uint8(100), "zero")]
    network = GraphNetwork(helper.make_graph(nodes, "q", [x], [y], held), {"": 13})
    values = torch.tensor([0.0311, -1.999, -5.0, 9.0], requires_grad=True)
    (answer,) = network(values)
    assert answer.tolist() == pytest.approx([0.04, -2.0, -2.0, 3.1])
    (gradient,) = torch.autograd.grad(answer.sum(), values)
    assert gradient.tolist() == pytest.approx([1, 1, 0, 0])
