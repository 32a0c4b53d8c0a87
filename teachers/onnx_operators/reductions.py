"""Operators of ONNX that sum up over axes, and normalisations without weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from teachers.onnx_operators.node import Node, Operator, axes_of

GUARDED = "guarded"
"""An attribute that `teachers.onnx_graph` gives to a softmax of which the graph asks where it is not a number."""
REDUCTIONS: dict[str, Callable[[Tensor, list[int], bool], Tensor]] = {
    "ReduceSum": lambda x, axes, keep: x.sum(axes, keep, dtype=x.dtype),
    "ReduceMean": lambda x, axes, keep: x.mean(axes, keep),
    "ReduceMax": lambda x, axes, keep: x.amax(axes, keep),
    "ReduceMin": lambda x, axes, keep: x.amin(axes, keep),
    "ReduceL1": lambda x, axes, keep: x.abs().sum(axes, keep, dtype=x.dtype),
    "ReduceL2": lambda x, axes, keep: x.square().sum(axes, keep).sqrt() if not x.is_floating_point()
    else torch.linalg.vector_norm(x, 2, axes, keep),
    "ReduceLogSum": lambda x, axes, keep: x.sum(axes, keep).log(),
    "ReduceLogSumExp": lambda x, axes, keep: x.logsumexp(axes, keep),
    "ReduceSumSquare": lambda x, axes, keep: x.square().sum(axes, keep, dtype=x.dtype),
}  # fmt: skip


def _reduce(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    """Reduce over the axes of an attribute or an input; over all of them if there are none."""
    chosen, keep = axes_of(node, axes), bool(node.get("keepdims", 1))
    if not chosen and node.get("noop_with_empty_axes", 0):
        return x
    along = [a % x.ndim for a in chosen or range(x.ndim)] if x.ndim else []
    if node.operator == "ReduceProd":
        for axis in sorted(along, reverse=True):
            x = x.prod(axis, keep, dtype=x.dtype)
        return x
    return REDUCTIONS[node.operator](x, along, keep)


def _softmax(node: Node, x: Tensor) -> Tensor:
    """Compute a softmax along one axis; before version 13 over that axis and all that follow."""
    function = _GuardedSoftmax.apply if node.get(GUARDED) else SOFTMAXES[node.operator]
    if node.version >= 13:
        return function(x, node.get("axis", -1))
    axis = node.get("axis", 1) % x.ndim
    return function(x.flatten(axis), axis).reshape(x.shape)


class _GuardedSoftmax(torch.autograd.Function):
    """A softmax whose gradient is zero where it is not a number.

    PyTorch's attention gives 0 where everything is masked; its export says so by `IsNaN` and `Where`, through which the
    gradient of a softmax is not finite.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, axis: int) -> Tensor:
        return torch.softmax(x, axis)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int], output: Tensor) -> None:
        ctx.save_for_backward(output)
        ctx.axis = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        y = ctx.saved_tensors[0].nan_to_num(nan=0.0)
        weighted = gradient * y
        return weighted - y * weighted.sum(ctx.axis, True), None


def _hard_maximum(x: Tensor, axis: int) -> Tensor:
    return torch.zeros_like(x).scatter(axis, x.argmax(axis, True), 1)


SOFTMAXES: dict[str, Callable[[Tensor, int], Tensor]] = {
    "Softmax": torch.softmax, "LogSoftmax": torch.log_softmax, "Hardmax": _hard_maximum,
}  # fmt: skip


def _lp_normalization(node: Node, x: Tensor) -> Tensor:
    norm = torch.linalg.vector_norm(x, node.get("p", 2), node.get("axis", -1), True)
    return torch.where(norm == 0, torch.zeros_like(x), x / norm)


def _mean_variance(node: Node, x: Tensor) -> Tensor:
    axes = list(node.get("axes", [0, 2, 3]))
    centred = x - x.mean(axes, True)
    return centred / (centred.square().mean(axes, True).sqrt() + 1e-9)


OPERATORS: dict[str, Operator] = {
    **dict.fromkeys([*REDUCTIONS, "ReduceProd"], _reduce),
    **dict.fromkeys(["Softmax", "LogSoftmax", "Hardmax"], _softmax),
    "LpNormalization": _lp_normalization, "MeanVarianceNormalization": _mean_variance,
}  # fmt: skip
