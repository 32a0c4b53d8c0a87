"""Operators of ONNX and QONNX that round to few bits, with straight-through gradients.

Whole numbers stay floats of PyTorch: a gradient passes rounding as if it were not there (Bengio, Leonard, Courville
2013, https://arxiv.org/abs/1308.3432), and is zero where a number was clipped. `Quant`, `BipolarQuant` and `Trunc` are
as https://github.com/fastmachinelearning/qonnx/tree/main/docs/qonnx-custom-ops describes them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from teachers.onnx_operators.node import ConversionError, Node, Operator

QONNX_DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")

ROUNDINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "ROUND": torch.round, "HALF_EVEN": torch.round, "CEIL": torch.ceil, "FLOOR": torch.floor,
    "UP": lambda x: x.sign() * x.abs().ceil(),
    "DOWN": torch.trunc, "ROUND_TO_ZERO": torch.trunc,
    "HALF_UP": lambda x: x.sign() * (x.abs() + 0.5).floor(),
    "HALF_DOWN": lambda x: x.sign() * (x.abs() - 0.5).ceil(),
}  # fmt: skip


def _straight_through(x: Tensor, rounded: Tensor) -> Tensor:
    """Return ``rounded`` with the gradient of ``x``."""
    return rounded.detach() + (x - x.detach()) if x.requires_grad else rounded  # whole numbers stay exactly whole


def _rounding(node: Node, default: str) -> Callable[[Tensor], Tensor]:
    name = node.get("rounding_mode", default).upper()
    if name not in ROUNDINGS:
        raise ConversionError(f"holds the operator {node.operator} with the rounding {name}")
    return ROUNDINGS[name]


def _limits(node: Node, bits: Tensor) -> tuple[Tensor, Tensor]:
    """Return the least and largest whole number of so many bits."""
    narrow = node.get("narrow", 0)
    if node.get("signed", 1):
        return -(2.0 ** (bits - 1)) + narrow, 2.0 ** (bits - 1) - 1
    return torch.zeros_like(bits), 2.0**bits - 1 - narrow


def _quant(node: Node, x: Tensor, scale: Tensor, zero: Tensor, bits: Tensor) -> Tensor:
    """Round to whole steps of ``scale``, as many as the bits can count."""
    y = x / scale + zero
    if node.get("signed", 1) and bits.numel() == 1 and bits.item() == 1:
        ones = torch.where(y < 0, -torch.ones_like(y), torch.ones_like(y))
        return (_straight_through(y, ones) - zero) * scale
    y = _limited(y, *_limits(node, bits))
    return (_straight_through(y, _rounding(node, "ROUND")(y)) - zero) * scale


def _limited(y: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Clip to whole numbers, with a gradient inside of them and at them."""
    clipped = torch.clamp(y.detach(), low.to(y.dtype), high.to(y.dtype))
    return torch.where(y == clipped, y, clipped)


def _bipolar_quant(node: Node, x: Tensor, scale: Tensor) -> Tensor:
    """Round to plus or minus ``scale``."""
    ones = torch.where(x < 0, -torch.ones_like(x), torch.ones_like(x))
    return _straight_through(x, ones) * scale


def _trunc(node: Node, x: Tensor, scale: Tensor, zero: Tensor, bits: Tensor, *after: Tensor) -> Tensor:
    """Drop the last bits of whole numbers.

    Args:
        bits: number of bits before.
        after: number of bits after; in version 2 the scale, then that number.
    """
    y = x / scale + zero
    y = _straight_through(y, torch.round(y))
    rounding = _rounding(node, "FLOOR")
    if len(after) == 1:
        y = y / 2.0 ** (bits - after[0])
        return (_straight_through(y, rounding(y)) - zero) * scale
    step = 2.0 ** torch.round(torch.log2(after[0] / scale))
    y = _limited(y / step, *_limits(node, after[1]))
    return (_straight_through(y, rounding(y)) - zero / step) * after[0]


def _along(x: Tensor, values: Tensor, axis: int) -> Tensor:
    """Return a value for each index of an axis, so that it broadcasts against x; one value as it is."""
    if values.numel() == 1:
        return values.reshape(())
    return values.view([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])


LIMITS = {torch.uint8: (0, 255), torch.int8: (-128, 127), torch.uint16: (0, 65535), torch.int16: (-32768, 32767)}


def _quantize_linear(node: Node, x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Tensor:
    """Quantise to whole numbers, which stay floats."""
    kind = torch.uint8 if zero is None else zero.dtype
    if kind not in LIMITS or node.get("block_size", 0) or node.get("output_dtype", 0):
        raise ConversionError("holds a QuantizeLinear to another type than 8 or 16 bits")
    axis = node.get("axis", 1)
    y = x / _along(x, scale, axis)
    y = _straight_through(y, torch.round(y))
    y = y if zero is None else y + _along(x, zero, axis).to(y.dtype)
    return _limited(y, *(torch.tensor(limit, device=y.device) for limit in LIMITS[kind]))


def _dequantize_linear(node: Node, x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Tensor:
    if node.get("block_size", 0):
        raise ConversionError("holds a DequantizeLinear of blocks")
    axis = node.get("axis", 1)
    y = x.to(scale.dtype)
    return (y if zero is None else y - _along(x, zero, axis).to(scale.dtype)) * _along(x, scale, axis)


OPERATORS: dict[str, Operator] = {"QuantizeLinear": _quantize_linear, "DequantizeLinear": _dequantize_linear}
QONNX_OPERATORS: dict[str, Operator] = {"Quant": _quant, "BipolarQuant": _bipolar_quant, "Trunc": _trunc}
