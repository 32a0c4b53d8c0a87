"""Angles of vectors of length zero in ONNX graphs, which exporters lose.

PyTorch's exporters write `atan2(y, x)` as the arctangent of y / x, moved by π where it has to be. The angle of padding,
atan2(0, 0) = 0, becomes 0 / 0 and then every output of a transformer: CMS's and weaver's graphs answer with no number
for jets that are padded with zeros, and are run there on jets of one length.
"""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper


def with_angles_of_zero(model: onnx.ModelProto) -> tuple[onnx.ModelProto, int]:
    """Copy a graph and let 0 / 0 be 0 wherever an arctangent, and nothing else, is taken of a ratio; count those.

    Whatever a graph answers otherwise stays: where the denominator is zero with the numerator, it becomes one.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    takers: dict[str, set[str]] = {}
    for node in graph.node:
        for name in node.input:
            takers.setdefault(name, set()).add(node.op_type)
    outputs = {o.name for o in graph.output}
    nodes, count = [], 0
    for node in graph.node:
        if node.op_type == "Div" and takers.get(node.output[0]) == {"Atan"} and node.output[0] not in outputs:
            nodes += _guarded(node, _type_of_numbers(model), f"angle_{count}")
            count += 1
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    return copy, count


def _guarded(ratio: onnx.NodeProto, kind: int, prefix: str) -> list[onnx.NodeProto]:
    """Return the nodes of a ratio whose denominator is one where both parts are zero."""
    y, x = ratio.input
    names = [f"{prefix}_{part}" for part in ("y", "x", "any", "none", "added", "denominator")]
    some_y, some_x, some, none, added, denominator = names
    return [
        helper.make_node("Cast", [y], [some_y], to=TensorProto.BOOL),
        helper.make_node("Cast", [x], [some_x], to=TensorProto.BOOL),
        helper.make_node("Or", [some_y, some_x], [some]),
        helper.make_node("Not", [some], [none]),
        helper.make_node("Cast", [none], [added], to=kind),
        helper.make_node("Add", [x, added], [denominator]),
        helper.make_node("Div", [y, denominator], list(ratio.output)),
    ]


def _type_of_numbers(model: onnx.ModelProto) -> int:
    """Return the type of the first input that is of floating-point numbers."""
    floats = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16)
    kinds = [i.type.tensor_type.elem_type for i in model.graph.input]
    return next((kind for kind in kinds if kind in floats), TensorProto.FLOAT)
