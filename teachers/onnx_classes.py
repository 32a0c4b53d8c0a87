"""What an ONNX graph itself says of its answers: names of its classes, or that they are values.

Exporters of scikit-learn, LightGBM and XGBoost write the classes into the operators of ONNX-ML that answer, in the
order of their columns, and have other operators for values.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import helper, numpy_helper

LABELS = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")
"""Attributes that hold the names of classes."""
PASSING = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Sum", "Add", "Unsqueeze")
"""Operators behind a regressor whose answers are still values."""
PLAIN = b"NONE"
"""What a regressor does with its values, unless it makes probabilities of them."""
REGRESSOR_OUTPUT = "variable"
"""Name that skl2onnx gives to what regressors answer, and to nothing else."""


def class_names(model: onnx.ModelProto) -> tuple[tuple[str, ...], ...]:
    """Return the lists of names of classes in a graph, those of its end first; none where it holds none.

    Args:
        model: as it was read: tables of probabilities (ZipMap), if there are any, say it best.
    """
    nodes = [node for node in reversed(model.graph.node) if node.op_type == "ZipMap"]
    nodes = nodes or [node for node in reversed(model.graph.node) if node.op_type.endswith("Classifier")]
    found = [names for node in nodes if (names := _labels(node))] or list(_chosen_from(model))
    return tuple(dict.fromkeys(found))


def _labels(node: onnx.NodeProto) -> tuple[str, ...]:
    """Return the names of the classes of an operator, whole numbers as words."""
    held = {a.name: helper.get_attribute_value(a) for a in node.attribute if a.name in LABELS}
    names = next((held[name] for name in LABELS if held.get(name)), ())
    return tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names)


def _chosen_from(model: onnx.ModelProto) -> Iterator[tuple[str, ...]]:
    """Yield the constants of which an index of the largest score chooses one, as skl2onnx writes perceptrons."""
    constants = {i.name: i for i in model.graph.initializer}
    indices = {name for node in model.graph.node if node.op_type == "ArgMax" for name in node.output}
    for node in reversed(model.graph.node):
        if node.op_type == "ArrayFeatureExtractor" and node.input[0] in constants and node.input[1] in indices:
            held = numpy_helper.to_array(constants[node.input[0]]).flatten()
            if held.dtype.kind in "iuOSU":
                yield tuple(v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in held.tolist())


def regressor(model: onnx.ModelProto, output: str) -> str:
    """Return the operator that says that an output holds values; nothing of others."""
    makers = {name: node for node in model.graph.node for name in node.output}
    waiting = [output]
    while waiting:
        node = makers.get(waiting.pop())
        if node is None:
            continue
        if node.op_type in PASSING:
            waiting += node.input
        elif node.op_type.endswith("Regressor"):
            after = {a.name: helper.get_attribute_value(a) for a in node.attribute}.get("post_transform", PLAIN)
            if after == PLAIN:
                return str(node.op_type)
    return ""


def in_order(names: tuple[str, ...]) -> tuple[int, ...]:
    """Return the columns in the order of their classes, where these are numbered from 0; else as they are."""
    positions = {name: i for i, name in enumerate(names)}
    numbered = [str(i) for i in range(len(names))]
    return tuple(positions[n] for n in numbered) if set(numbered) == set(names) else tuple(range(len(names)))
