"""A node of an ONNX graph as its operator sees it: name, version and attributes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

Operator = Callable[..., Any]
"""A function of a `Node` and its inputs, None for those left out, that returns a tensor or a tuple of them."""


class ConversionError(Exception):
    """A graph cannot be run in PyTorch; the message says why, in a few words."""


@dataclass(frozen=True)
class Node:
    """What a node says beside its inputs."""

    operator: str
    version: int
    """Version of its operator set."""
    n_outputs: int = 1
    attributes: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or ``default`` if the node does not have it."""
        return self.attributes.get(name, default)


def read_node(node: onnx.NodeProto, version: int) -> Node:
    """Read a node, its tensors as PyTorch's and its text as ``str``; subgraphs stay as they are."""
    attributes = {a.name: _value(helper.get_attribute_value(a)) for a in node.attribute}
    return Node(node.op_type, version, len(node.output), attributes)


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, TensorProto):
        return read_tensor(value)
    return value


def read_tensor(proto: TensorProto) -> Tensor:
    """Read a tensor; numbers of 16 bits become those of 32.

    Raises:
        ConversionError: if PyTorch has no such type: text, for example.
    """
    dtype = torch_dtype(proto.data_type)
    array = np.array(numpy_helper.to_array(proto))  # a copy, which may be written
    return torch.from_numpy(array.astype(np.float32) if proto.data_type in NARROW else array).to(dtype)


NARROW = {
    TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E4M3FNUZ,
    TensorProto.FLOAT8E5M2, TensorProto.FLOAT8E5M2FNUZ,
}  # fmt: skip
"""Floating-point numbers of less than 32 bits, which are computed in 32: gradients would be lost in them."""


def torch_dtype(element: int) -> torch.dtype:
    """Return the type that a tensor of an ONNX type has in PyTorch.

    Raises:
        ConversionError: if there is none.
    """
    if element in NARROW:
        return torch.float32
    if element in (
        TensorProto.UINT32,
        TensorProto.UINT64,
    ):  # PyTorch holds such numbers, and can compute nothing of them
        return torch.long
    try:
        return torch.from_numpy(np.zeros(1, helper.tensor_dtype_to_np_dtype(element))).dtype
    except (TypeError, KeyError) as error:  # text, and numbers of four bits or less
        name = TensorProto.DataType.Name(element) if element in TensorProto.DataType.values() else str(element)
        raise ConversionError(f"holds tensors of type {name.lower()}") from error


def integers(x: Tensor) -> list[int]:
    """Return the numbers of a tensor of shapes, axes or pads."""
    numbers: list[int] = x.flatten().tolist()
    return numbers


def axes_of(node: Node, axes: Tensor | None) -> list[int] | None:
    """Return axes from an input, as newer versions have them, or from an attribute; None if neither is there."""
    if axes is not None:
        return integers(axes)
    held = node.get("axes")
    return None if held is None else list(held)
