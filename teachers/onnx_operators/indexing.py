"""Operators of ONNX that look entries up, sort them, or write some of them."""

from __future__ import annotations

import torch
from torch import Tensor

from teachers.onnx_operators.node import ConversionError, Node, Operator

REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}
"""PyTorch's names of what a scatter does where two values meet."""


def _positive(indices: Tensor, size: int) -> Tensor:
    """Return indices counted from the start."""
    return torch.where(indices < 0, indices + size, indices).long()


def _gather(node: Node, x: Tensor, indices: Tensor) -> Tensor:
    axis = node.get("axis", 0) % x.ndim
    if indices.ndim == 0 and indices.is_cpu:
        return x.select(axis, int(indices))
    found = x.index_select(axis, _positive(indices, x.shape[axis]).flatten())
    return found.reshape(x.shape[:axis] + indices.shape + x.shape[axis + 1 :])


def _gather_elements(node: Node, x: Tensor, indices: Tensor) -> Tensor:
    axis = node.get("axis", 0)
    return torch.gather(x, axis, _positive(indices, x.shape[axis]))


def _gather_nd(node: Node, x: Tensor, indices: Tensor) -> Tensor:
    batch: int = node.get("batch_dims", 0)
    rank = indices.ndim - 1
    own = [torch.arange(n, device=x.device).view([-1 if j == i else 1 for j in range(rank)])
           for i, n in enumerate(x.shape[:batch])]  # fmt: skip
    return x[(*own, *_coordinates(x, indices, batch))]


def _coordinates(x: Tensor, indices: Tensor, skipped: int = 0) -> tuple[Tensor, ...]:
    """Split indices (..., n) into those of each axis."""
    return tuple(_positive(i, size) for i, size in zip(indices.unbind(-1), x.shape[skipped:], strict=False))


def _scatter_nd(node: Node, x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
    where, reduction = _coordinates(x, indices), node.get("reduction", "none")
    if reduction in ("none", "add"):
        return torch.index_put(x, where, updates, accumulate=reduction == "add")
    n = indices.shape[-1]
    flat = torch.zeros(indices.shape[:-1], dtype=torch.long, device=x.device)
    for i, size in zip(where, x.shape, strict=False):
        flat = flat * size + i
    rows = x.reshape(x.shape[:n].numel(), -1)
    values = updates.reshape(flat.numel(), -1)
    place = flat.reshape(-1, 1).expand_as(values)
    return rows.scatter_reduce(0, place, values, REDUCTIONS[reduction], include_self=True).reshape(x.shape)


def _scatter_elements(node: Node, x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
    axis, reduction = node.get("axis", 0), node.get("reduction", "none")
    place = _positive(indices, x.shape[axis])
    if reduction == "none":
        return x.scatter(axis, place, updates)
    return x.scatter_reduce(axis, place, updates, REDUCTIONS[reduction], include_self=True)


def _one_hot(node: Node, indices: Tensor, depth: Tensor, values: Tensor) -> Tensor:
    n, rank = int(depth.item()), indices.ndim + 1
    axis = node.get("axis", -1) % rank
    places = torch.arange(n, device=indices.device).view([-1 if i == axis else 1 for i in range(rank)])
    off, on = values
    return torch.where(_positive(indices, n).unsqueeze(axis) == places, on, off)


def _top_k(node: Node, x: Tensor, k: Tensor | None = None) -> tuple[Tensor, Tensor]:
    n = node.get("k") if k is None else int(k.item())
    values, indices = x.topk(n, node.get("axis", -1), bool(node.get("largest", 1)), bool(node.get("sorted", 1)))
    return values, indices


def _non_zero(node: Node, x: Tensor) -> Tensor:
    return torch.nonzero(x).T


def _compress(node: Node, x: Tensor, condition: Tensor) -> Tensor:
    kept = torch.nonzero(condition).flatten()
    axis = node.get("axis")
    return x.flatten()[kept] if axis is None else x.index_select(axis, kept)


def _trilu(node: Node, x: Tensor, k: Tensor | None = None) -> Tensor:
    diagonal = 0 if k is None else int(k.item())
    return torch.triu(x, diagonal) if node.get("upper", 1) else torch.tril(x, diagonal)


def _cumulative_sum(node: Node, x: Tensor, axis: Tensor) -> Tensor:
    along = int(axis.item())
    x = x.flip(along) if node.get("reverse", 0) else x
    total = x.cumsum(along, dtype=x.dtype)
    if node.get("exclusive", 0):
        total = total - x
    return total.flip(along) if node.get("reverse", 0) else total


def _arg_extremum(node: Node, x: Tensor) -> Tensor:
    axis, keep = node.get("axis", 0), bool(node.get("keepdims", 1))
    find = torch.argmax if node.operator == "ArgMax" else torch.argmin
    backwards = bool(node.get("select_last_index", 0))
    found: Tensor = find(x.flip(axis) if backwards else x, axis, keep)
    return x.shape[axis] - 1 - found if backwards else found


def _reverse_sequence(node: Node, x: Tensor, lengths: Tensor) -> Tensor:
    """Reverse the first entries of each sequence, as many as it has."""
    time, batch = node.get("time_axis", 0), node.get("batch_axis", 1)
    if {time, batch} != {0, 1}:
        raise ConversionError("holds a ReverseSequence along other axes than the first two")
    y = x if time == 0 else x.transpose(0, 1)
    steps, n = torch.arange(len(y), device=x.device).unsqueeze(1), lengths.long().unsqueeze(0)
    source = torch.where(steps < n, n - 1 - steps, steps)
    y = y.gather(0, source.view(source.shape + (1,) * (y.ndim - 2)).expand_as(y))
    return y if time == 0 else y.transpose(0, 1)


OPERATORS: dict[str, Operator] = {
    "Gather": _gather, "GatherElements": _gather_elements, "GatherND": _gather_nd,
    "ScatterND": _scatter_nd, "ScatterElements": _scatter_elements, "Scatter": _scatter_elements,
    "OneHot": _one_hot, "TopK": _top_k, "NonZero": _non_zero, "Compress": _compress, "Trilu": _trilu,
    "CumSum": _cumulative_sum, "ArgMax": _arg_extremum, "ArgMin": _arg_extremum, "ReverseSequence": _reverse_sequence,
}  # fmt: skip
