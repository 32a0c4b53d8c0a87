"""Operators of ONNX on sequences of tensors, which are lists here. Exporters write them for splits."""

from __future__ import annotations

import torch
from torch import Tensor

from teachers.onnx_operators.node import Node, Operator, integers


def _split(node: Node, x: Tensor, sizes: Tensor | None = None) -> list[Tensor]:
    axis = node.get("axis", 0)
    if sizes is None:
        rows = list(torch.split(x, 1, axis))
        return rows if node.get("keepdims", 1) else [row.squeeze(axis) for row in rows]
    return list(torch.split(x, int(sizes) if sizes.ndim == 0 else integers(sizes), axis))


def _insert(node: Node, sequence: list[Tensor], x: Tensor, place: Tensor | None = None) -> list[Tensor]:
    i = len(sequence) if place is None else int(place)
    i = i + len(sequence) if i < 0 else i
    return [*sequence[:i], x, *sequence[i:]]


def _join(node: Node, sequence: list[Tensor]) -> Tensor:
    axis = node.get("axis")
    return torch.stack(sequence, axis) if node.get("new_axis", 0) else torch.cat(sequence, axis)


OPERATORS: dict[str, Operator] = {
    "SequenceEmpty": lambda node: [],
    "SequenceConstruct": lambda node, *x: list(x),
    "SequenceAt": lambda node, sequence, place: sequence[int(place)],
    "SequenceLength": lambda node, sequence: torch.tensor(len(sequence)),
    "SequenceInsert": _insert, "SplitToSequence": _split, "ConcatFromSequence": _join,
}  # fmt: skip
