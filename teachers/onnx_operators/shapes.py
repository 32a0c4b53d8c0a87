"""Operators of ONNX that change shapes, join and cut tensors, or make them from a shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from teachers.onnx_operators.node import Node, Operator, axes_of, integers, torch_dtype


def _reshape(node: Node, x: Tensor, shape: Tensor | None = None) -> Tensor:
    sizes = list(node.get("shape")) if shape is None else _sizes(shape)
    if not node.get("allowzero", 0):
        sizes = [x.shape[i] if size == 0 else size for i, size in enumerate(sizes)]
    return x.reshape(sizes)


def _sizes(shape: Tensor) -> list[Any]:
    """Return the numbers of a shape; in a trace as tensors, so that an export computes them for any batch."""
    return list(shape.flatten().unbind()) if torch._C._is_tracing() else integers(shape)


def _flatten(node: Node, x: Tensor) -> Tensor:
    """Flatten without a size that is a number: an export would be of the batch that it was traced with."""
    axis: int = node.get("axis", 1)
    axis += x.ndim if axis < 0 else 0
    if not axis:
        return x.reshape(1, -1)
    rows = x.flatten(axis) if axis < x.ndim else x.unsqueeze(-1)
    return rows.flatten(0, axis - 1) if axis > 1 else rows


def _squeeze(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    chosen = axes_of(node, axes)
    return x.squeeze() if chosen is None else x.squeeze(tuple(chosen))


def _unsqueeze(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    chosen = axes_of(node, axes) or []
    rank = x.ndim + len(chosen)
    for axis in sorted(a % rank for a in chosen):
        x = x.unsqueeze(axis)
    return x


def _transpose(node: Node, x: Tensor) -> Tensor:
    return x.permute(node.get("perm", list(range(x.ndim))[::-1]))


def _concat(node: Node, *x: Tensor) -> Tensor:
    return torch.cat(x, node.get("axis", 1))


def _split(node: Node, x: Tensor, sizes: Tensor | None = None) -> tuple[Tensor, ...]:
    """Split as an input or an attribute says, or else evenly, the last part the smallest."""
    axis = node.get("axis", 0)
    parts: Sequence[int] | None = node.get("split") if sizes is None else integers(sizes)
    if parts is None:
        even = -(-x.shape[axis] // (node.get("num_outputs") or node.n_outputs))
        return torch.split(x, even, axis)
    return torch.split(x, list(parts), axis)


def _slice(
    node: Node,
    x: Tensor,
    starts: Tensor | None = None,
    ends: Tensor | None = None,
    axes: Tensor | None = None,
    steps: Tensor | None = None,
) -> Tensor:
    """Slice; versions before 10 have attributes in place of inputs."""
    first = node.get("starts") if starts is None else integers(starts)
    last = node.get("ends") if ends is None else integers(ends)
    along = axes_of(node, axes) or list(range(len(first)))
    by = [1] * len(first) if steps is None else integers(steps)
    for start, end, axis, step in zip(first, last, along, by, strict=True):
        if step > 0:
            begin, stop, _ = slice(start, end, step).indices(x.shape[axis])
            x = x[(slice(None),) * (axis % x.ndim) + (slice(begin, max(begin, stop), step),)]
        else:
            kept = range(*slice(start, end, step).indices(x.shape[axis]))
            x = x.index_select(axis, torch.tensor(list(kept), dtype=torch.long, device=x.device))
    return x


def _expand(node: Node, x: Tensor, shape: Tensor) -> Tensor:
    sizes = torch.broadcast_shapes(x.shape, tuple(integers(shape)))  # type: ignore[no-untyped-call]
    return x.expand(sizes)


def _tile(node: Node, x: Tensor, repeats: Tensor) -> Tensor:
    return x.repeat(integers(repeats))


def _pad(
    node: Node, x: Tensor, pads: Tensor | None = None, value: Tensor | None = None, axes: Tensor | None = None
) -> Tensor:
    """Pad, and cut where a pad is negative."""
    both = list(node.get("pads") or node.get("paddings")) if pads is None else integers(pads)
    along = list(range(x.ndim)) if axes is None else [a % x.ndim for a in integers(axes)]
    begins, ends = both[: len(along)], both[len(along) :]
    if node.get("mode", "constant") == "constant":
        sizes = [(0, 0)] * x.ndim
        for axis, begin, end in zip(along, begins, ends, strict=True):
            sizes[axis] = (begin, end)
        fill = node.get("value", 0.0) if value is None else value.item()
        return F.pad(x, [n for pair in sizes[::-1] for n in pair], value=fill)
    mode = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}[node.get("mode")]
    for axis, begin, end in zip(along, begins, ends, strict=True):
        kept = np.arange(x.shape[axis])[max(-begin, 0) : x.shape[axis] - max(-end, 0)]
        index = np.pad(kept, (max(begin, 0), max(end, 0)), mode=mode)  # type: ignore[call-overload]
        x = x.index_select(axis, torch.from_numpy(index).to(x.device))
    return x


def _shape(node: Node, x: Tensor) -> Tensor:
    """Return the shape, on the CPU: shapes are computed there."""
    part = slice(node.get("start", 0), node.get("end"))
    if torch._C._is_tracing():  # as a tensor of the trace: numbers would be those of the traced batch
        return torch._shape_as_tensor(x)[part]
    return torch.tensor(x.shape[part], dtype=torch.long)


def _constant_of_shape(node: Node, shape: Tensor) -> Tensor:
    held: Tensor | None = node.get("value")
    value = torch.zeros(1) if held is None else held
    made: Tensor = value.reshape(()).expand(integers(shape))
    return made


def _range(node: Node, start: Tensor, limit: Tensor, step: Tensor) -> Tensor:
    n = max(int(np.ceil((limit.item() - start.item()) / step.item())), 0)
    return torch.arange(n, dtype=start.dtype) * step.cpu() + start.cpu()


def _eye_like(node: Node, x: Tensor) -> Tensor:
    dtype = torch_dtype(node.get("dtype")) if node.get("dtype") else x.dtype
    k = node.get("k", 0)
    rows = torch.arange(x.shape[0], device=x.device).unsqueeze(1)
    ones: Tensor = torch.arange(x.shape[1], device=x.device) == rows + k
    return ones.to(dtype)


def _depth_to_space(node: Node, x: Tensor) -> Tensor:
    b, (n, c, h, w) = node.get("blocksize"), x.shape
    if node.get("mode", "DCR") == "CRD":
        return F.pixel_shuffle(x, b)
    y = x.reshape(n, b, b, c // (b * b), h, w).permute(0, 3, 4, 1, 5, 2)
    return y.reshape(n, c // (b * b), h * b, w * b)


def _space_to_depth(node: Node, x: Tensor) -> Tensor:
    b, (n, c, h, w) = node.get("blocksize"), x.shape
    order = (0, 1, 3, 5, 2, 4) if node.get("mode", "DCR") == "CRD" else (0, 3, 5, 1, 2, 4)
    y = x.reshape(n, c, h // b, b, w // b, b).permute(order)
    return y.reshape(n, c * b * b, h // b, w // b)


OPERATORS: dict[str, Operator] = {
    "Reshape": _reshape, "Flatten": _flatten, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze, "Transpose": _transpose,
    "Concat": _concat, "Split": _split, "Slice": _slice, "Expand": _expand, "Tile": _tile, "Pad": _pad,
    "Shape": _shape, "Size": lambda node, x: torch.tensor(x.numel()),
    "ConstantOfShape": _constant_of_shape, "Range": _range, "EyeLike": _eye_like,
    "DepthToSpace": _depth_to_space, "SpaceToDepth": _space_to_depth,
}  # fmt: skip

SHAPE_INPUTS: dict[str, range] = {
    "Reshape": range(1, 2), "Squeeze": range(1, 2), "Unsqueeze": range(1, 2), "Split": range(1, 2),
    "Slice": range(1, 5), "Expand": range(1, 2), "Tile": range(1, 2), "Pad": range(1, 4),
    "ConstantOfShape": range(1), "Range": range(3), "TopK": range(1, 2), "Trilu": range(1, 2), "CumSum": range(1, 2),
    "OneHot": range(1, 2), "Pow": range(1, 2), "Clip": range(1, 3),
    "ReduceSum": range(1, 2), "ReduceMean": range(1, 2), "ReduceMax": range(1, 2), "ReduceMin": range(1, 2),
    "ReduceProd": range(1, 2), "ReduceL1": range(1, 2), "ReduceL2": range(1, 2), "ReduceLogSum": range(1, 2),
    "ReduceLogSumExp": range(1, 2), "ReduceSumSquare": range(1, 2),
}  # fmt: skip
"""Positions of inputs that operators read as numbers: those stay on the CPU."""
