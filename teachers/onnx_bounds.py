"""Refuse ONNX graphs that ask for more memory than a network needs, or for other files, before any is taken.

A few bytes of a graph can ask for terabytes: a tensor whose dimensions exceed its numbers, a constant shape that is
filled or repeated, an input of 10^12 columns. A tensor may also name any file of the machine to take its numbers from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx

MAX_NUMBERS = 2**28
"""Numbers of one tensor, a gibibyte of 32 bits: no tagger has so many."""
MAX_ATTRIBUTE = 2**24
"""Size of a kernel, a stride, a padding, at most."""
DENSEST = 8
"""Numbers that a byte of a file holds, at most: bits."""
SHAPED = {"ConstantOfShape": 0, "Expand": 1, "Tile": 1}
"""Operators that make as many numbers as an input says -> position of that input."""
SIZES = ("kernel_shape", "pads", "strides", "dilations", "output_shape", "hidden_size", "shape", "axis", "group")
"""Attributes of sizes."""


def problems(model: onnx.ModelProto) -> Iterator[str]:
    """Yield what a graph asks for that no network needs."""
    for graph in _graphs(model):
        constants: dict[str, Any] = {tensor.name: tensor for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant" and node.output:
                constants.update((node.output[0], a.t) for a in node.attribute if a.name == "value")
            yield from _of_attributes(node)
        for tensor in _tensors(graph):
            yield from _of_tensor(tensor)
        for entry in graph.input:
            numbers = math.prod(max(axis.dim_value, 1) for axis in entry.type.tensor_type.shape.dim)
            if numbers > MAX_NUMBERS:
                yield f"its input {entry.name} takes {numbers:.0e} numbers, at most {MAX_NUMBERS:.0e}"
        yield from _of_shapes(graph, constants)


def _graphs(model: onnx.ModelProto) -> Iterator[Any]:
    """Yield the graph and all graphs in it."""
    waiting: list[Any] = [model.graph]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                waiting += [attribute.g, *attribute.graphs] if attribute.HasField("g") else list(attribute.graphs)


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _of_tensor(tensor: Any) -> Iterator[str]:
    """Yield what is wrong with a tensor: numbers in another file, or more of them than it has."""
    name = tensor.name or "a constant"
    if tensor.data_location or tensor.external_data:
        yield f"its tensor {name} lies in another file, which is not read; save it in one file"
        return
    typed = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data")
    held = len(tensor.raw_data) or sum(8 * len(getattr(tensor, field)) for field in typed)
    if any(dim < 0 for dim in tensor.dims) or math.prod(tensor.dims) > DENSEST * held:
        shape = " x ".join(map(str, tensor.dims))
        if math.prod(tensor.dims) or any(dim < 0 for dim in tensor.dims):
            yield f"its tensor {name} says to be {shape[:60]}, but holds {held} bytes"


def _of_attributes(node: Any) -> Iterator[str]:
    for attribute in node.attribute:
        if attribute.name in SIZES and any(abs(i) > MAX_ATTRIBUTE for i in (*attribute.ints, attribute.i)):
            largest = max((*attribute.ints, attribute.i), key=abs)
            yield f"{attribute.name} of its {node.op_type} is {largest}, at most {MAX_ATTRIBUTE}"
        elif attribute.name == "shape" and math.prod(attribute.ints) > MAX_NUMBERS:
            yield f"its {node.op_type} makes {math.prod(attribute.ints):.0e} numbers, at most {MAX_NUMBERS:.0e}"


def _of_shapes(graph: Any, constants: dict[str, Any]) -> Iterator[str]:
    """Yield the operators that would make more numbers than a network has, by constants that are in the graph."""
    from onnx import numpy_helper

    def value(name: str) -> list[float] | None:
        tensor = constants.get(name)
        if tensor is None or len(tensor.dims) > 1 or next(_of_tensor(tensor), None) is not None:
            return None
        numbers = numpy_helper.to_array(tensor).ravel()
        return [float(x) for x in numbers] if numbers.dtype.kind in "iuf" else None

    for node in graph.node:
        if node.op_type in SHAPED and len(node.input) > SHAPED[node.op_type]:
            shape = value(node.input[SHAPED[node.op_type]])
            numbers = 0.0 if shape is None else math.prod(max(abs(x), 1.0) for x in shape)
        elif node.op_type == "Range" and len(node.input) == 3:
            start, limit, delta = (value(name) for name in node.input)
            numbers = abs((limit[0] - start[0]) / (delta[0] or 1.0)) if start and limit and delta else 0.0
        elif node.op_type in ("Pad", "OneHot", "Resize") and len(node.input) > 1:
            sizes = [x for name in node.input[1:] for x in value(name) or () if math.isfinite(x)]
            numbers = math.inf if any(abs(x) > MAX_NUMBERS and abs(x) < 2**63 - 1 for x in sizes) else 0.0
        else:
            continue
        if not numbers <= MAX_NUMBERS:
            yield f"its {node.op_type} makes {numbers:.0e} numbers, at most {MAX_NUMBERS:.0e}"
