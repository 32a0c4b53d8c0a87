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
    return x + (rounded - x).detach() if x.requires_grad else rounded


def _rounding(node: Node, default: str) -> Callable[[Tensor], Tensor]:
    name = node.get("rounding_mode", default).upper()
    if name not in ROUNDINGS:
        raise ConversionError(f"holds the operator {node.operator} with the rounding {name}")
    return ROUNDINGS[name]


def _quant(node: Node, x: Tensor, scale: Tensor, zero: Tensor, bits: Tensor) -> Tensor:
    """Round to whole steps of ``scale``, as many as the bits can count."""
    signed, narrow = bool(node.get("signed", 1)), bool(node.get("narrow", 0))
    y = x / scale + zero
    if signed and bits.numel() == 1 and bits.item() == 1:
        ones = torch.where(y < 0, -torch.ones_like(y), torch.ones_like(y))
        return (_straight_through(y, ones) - zero) * scale
    low = -(2.0 ** (bits - 1)) + narrow if signed else torch.zeros_like(bits)
    high = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1 - narrow
    y = torch.minimum(torch.maximum(y, low.to(y.dtype)), high.to(y.dtype))
    return (_straight_through(y, _rounding(node, "ROUND")(y)) - zero) * scale


def _bipolar_quant(node: Node, x: Tensor, scale: Tensor) -> Tensor:
    """Round to plus or minus ``scale``."""
    ones = torch.where(x < 0, -torch.ones_like(x), torch.ones_like(x))
    return _straight_through(x, ones) * scale


def _trunc(node: Node, x: Tensor, scale: Tensor, zero: Tensor, bits: Tensor, *more: Tensor) -> Tensor:
    """Drop the last bits of whole numbers: the bits before, then (in version 2) the scale, and the bits after."""
    y = x / scale + zero
    y = _straight_through(y, torch.round(y))
    out_scale = scale
    if len(more) == 2:  # version 2
        out_scale, out_bits = more
        step = 2.0 ** torch.round(torch.log2(out_scale / scale))
        signed, narrow = bool(node.get("signed", 1)), bool(node.get("narrow", 0))
        y = y / step
        y = _straight_through(y, _rounding(node, "FLOOR")(y))
        low = -(2.0 ** (out_bits - 1)) + narrow if signed else torch.zeros_like(out_bits)
        high = 2.0 ** (out_bits - 1) - 1 if signed else 2.0**out_bits - 1 - narrow
        y = torch.minimum(torch.maximum(y, low.to(y.dtype)), high.to(y.dtype))
        return (y - zero / step) * out_scale
    y = y / 2.0 ** (bits - more[0])
    return (_straight_through(y, _rounding(node, "FLOOR")(y)) - zero) * scale


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
    return (y if zero is None else y + _along(x, zero, axis).to(y.dtype)).clamp(*LIMITS[kind])


def _dequantize_linear(node: Node, x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Tensor:
    if node.get("block_size", 0):
        raise ConversionError("holds a DequantizeLinear of blocks")
    axis = node.get("axis", 1)
    y = x.to(scale.dtype)
    return (y if zero is None else y - _along(x, zero, axis).to(scale.dtype)) * _along(x, scale, axis)


OPERATORS: dict[str, Operator] = {"QuantizeLinear": _quantize_linear, "DequantizeLinear": _dequantize_linear}
QONNX_OPERATORS: dict[str, Operator] = {"Quant": _quant, "BipolarQuant": _bipolar_quant, "Trunc": _trunc}
