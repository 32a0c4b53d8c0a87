"""Operators of ONNX that compute each entry by itself: arithmetic, comparisons, activations, types."""

from __future__ import annotations

from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from teachers.onnx_operators.node import Node, Operator, torch_dtype


def _divide(node: Node, a: Tensor, b: Tensor) -> Tensor:
    return torch.div(a, b) if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


def _power(node: Node, x: Tensor, exponent: Tensor) -> Tensor:
    """Raise to a power; a number is much faster than a tensor of one number."""
    if exponent.numel() == 1 and exponent.ndim <= x.ndim and not exponent.requires_grad and exponent.is_cpu:
        return torch.pow(x, exponent.item()).to(x.dtype)
    return torch.pow(x, exponent).to(x.dtype)


def _modulo(node: Node, a: Tensor, b: Tensor) -> Tensor:
    return torch.fmod(a, b) if node.get("fmod", 0) else torch.remainder(a, b)


def _shift(node: Node, a: Tensor, b: Tensor) -> Tensor:
    wide, by = a.long(), b.long()
    shifted = wide << by if node.get("direction") == "LEFT" else wide >> by
    return shifted.to(a.dtype)


def _mean(node: Node, *x: Tensor) -> Tensor:
    return reduce(torch.add, x) / len(x)


def _clip(node: Node, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    """Clip between attributes, as versions before 11 have them, or inputs; integers stay integers."""
    bounds: list[Any] = [
        node.get(name) if bound is None else (bound.item() if bound.is_cpu and not bound.requires_grad else bound)
        for name, bound in (("min", low), ("max", high))
    ]
    if any(isinstance(bound, Tensor) for bound in bounds):  # PyTorch takes two numbers or two tensors
        bounds = [None if b is None else torch.as_tensor(b, dtype=x.dtype, device=x.device) for b in bounds]
    return x if all(bound is None for bound in bounds) else torch.clamp(x, *bounds)


def _is_infinite(node: Node, x: Tensor) -> Tensor:
    found = torch.isinf(x)
    if not node.get("detect_negative", 1):
        found = found & (x > 0)
    return found if node.get("detect_positive", 1) else found & (x < 0)


def _cast(node: Node, x: Tensor) -> Tensor:
    return x.to(torch_dtype(node.get("to")))


def _cast_like(node: Node, x: Tensor, other: Tensor) -> Tensor:
    return x.to(other.dtype)


def _selu(node: Node, x: Tensor) -> Tensor:
    alpha: float = node.get("alpha", 1.6732632423543772)
    gamma: float = node.get("gamma", 1.0507009873554805)
    return gamma * F.elu(x, alpha)


def _prelu(node: Node, x: Tensor, slope: Tensor) -> Tensor:
    return torch.where(x < 0, slope * x, x)


def _hard_sigmoid(node: Node, x: Tensor) -> Tensor:
    return torch.clamp(x * node.get("alpha", 0.2) + node.get("beta", 0.5), 0, 1)


def _threshold(node: Node, x: Tensor) -> Tensor:
    return torch.where(x > node.get("alpha", 1.0), x, torch.zeros_like(x))


def _shrink(node: Node, x: Tensor) -> Tensor:
    bias, edge = node.get("bias", 0.0), node.get("lambd", 0.5)
    return torch.where(x < -edge, x + bias, torch.where(x > edge, x - bias, torch.zeros_like(x)))


def _swish(node: Node, x: Tensor) -> Tensor:
    alpha = node.get("alpha", 1.0)
    return F.silu(x) if alpha == 1 else x * torch.sigmoid(alpha * x)


def _quick_gelu(node: Node, x: Tensor) -> Tensor:
    return x * torch.sigmoid(node.get("alpha", 1.702) * x)


def _fast_gelu(node: Node, x: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.gelu(x if bias is None else x + bias, approximate="tanh")


def gelu(node: Node, x: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute the Gaussian error linear unit of x, to which onnxruntime's own operator adds a bias."""
    return F.gelu(x if bias is None else x + bias, approximate=node.get("approximate", "none"))


def _softplus(node: Node, x: Tensor) -> Tensor:
    return torch.logaddexp(x, torch.zeros_like(x))  # PyTorch's own becomes a straight line above 20


PLAIN: dict[str, Operator] = {
    "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul,
    "Equal": torch.eq, "Greater": torch.gt, "GreaterOrEqual": torch.ge, "Less": torch.lt, "LessOrEqual": torch.le,
    "And": torch.logical_and, "Or": torch.logical_or, "Xor": torch.logical_xor, "Not": torch.logical_not,
    "BitwiseAnd": torch.bitwise_and, "BitwiseOr": torch.bitwise_or, "BitwiseXor": torch.bitwise_xor,
    "BitwiseNot": torch.bitwise_not,
    "Abs": torch.abs, "Neg": torch.neg, "Sign": torch.sign, "Reciprocal": torch.reciprocal,
    "Floor": torch.floor, "Ceil": torch.ceil, "Round": torch.round,
    "Sqrt": torch.sqrt, "Exp": torch.exp, "Log": torch.log, "Erf": torch.erf,
    "Sin": torch.sin, "Cos": torch.cos, "Tan": torch.tan, "Asin": torch.asin, "Acos": torch.acos, "Atan": torch.atan,
    "Sinh": torch.sinh, "Cosh": torch.cosh, "Tanh": torch.tanh, "Asinh": torch.asinh, "Acosh": torch.acosh,
    "Atanh": torch.atanh,
    "IsNaN": torch.isnan, "Where": torch.where, "Det": torch.linalg.det,
    "Relu": torch.relu, "Sigmoid": torch.sigmoid, "Softsign": F.softsign, "Mish": F.mish, "HardSwish": F.hardswish,
}  # fmt: skip
"""Functions of the inputs alone."""

OPERATORS: dict[str, Operator] = {
    "Div": _divide, "Pow": _power, "Mod": _modulo, "BitShift": _shift, "Clip": _clip, "IsInf": _is_infinite,
    "Cast": _cast, "CastLike": _cast_like, "Mean": _mean,
    "Sum": lambda node, *x: reduce(torch.add, x),
    "Min": lambda node, *x: reduce(torch.minimum, x),
    "Max": lambda node, *x: reduce(torch.maximum, x),
    "Identity": lambda node, x: x,
    "LeakyRelu": lambda node, x: F.leaky_relu(x, node.get("alpha", 0.01)),
    "Elu": lambda node, x: F.elu(x, node.get("alpha", 1.0)),
    "Celu": lambda node, x: F.celu(x, node.get("alpha", 1.0)),
    "Selu": _selu, "PRelu": _prelu, "HardSigmoid": _hard_sigmoid, "ThresholdedRelu": _threshold, "Shrink": _shrink,
    "Gelu": gelu, "Swish": _swish, "Softplus": _softplus,
    "BiasGelu": gelu, "FastGelu": _fast_gelu, "QuickGelu": _quick_gelu,
}  # fmt: skip
