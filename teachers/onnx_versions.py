"""ONNX files that onnxruntime does not take as they are: old sets of operators, domains that are not declared."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import helper, inliner, version_converter

from teachers.onnx_angles import with_angles_of_zero
from teachers.onnx_operators.quantised import QONNX_DOMAINS
from zskt.onnx_runtime import session

NEWER = (13, 17)
"""Versions of the standard operators that an old file is converted to, one after the other."""
FIRST_NUMBER = 7919
"""What axes of any length are taken for, and the numbers after it: no network has such a size."""
KNOWN_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "com.microsoft")


def foreign_operators(model: onnx.ModelProto) -> list[tuple[str, str]]:
    """Return domain and name of each operator that onnxruntime does not have, without those that the file defines."""
    own = {(f.domain, f.name) for f in model.functions}
    found = {(n.domain, n.op_type) for n in model.graph.node if n.domain not in KNOWN_DOMAINS}
    return sorted(found - own)


def is_qonnx(model: onnx.ModelProto) -> bool:
    """Return whether a file holds operators of QONNX, which are for networks of few bits."""
    return any(domain in QONNX_DOMAINS for domain, _ in foreign_operators(model))


def with_declared_domains(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy a model and declare the domains that it uses without saying so, as old QONNX files do."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    declared = {"" if o.domain == "ai.onnx" else o.domain for o in model.opset_import}
    for domain in sorted({"" if n.domain == "ai.onnx" else n.domain for n in model.graph.node} - declared):
        copy.opset_import.append(helper.make_opsetid(domain, 1))
    return copy


def with_numbers_alone(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy a model that answers with more than numbers: exporters of scikit-learn add labels, in words, and tables.

    A table for each sample, class -> probability, becomes their row; labels in words, and what makes them, go.
    """
    tables = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "ZipMap"}
    text = onnx.TensorProto.STRING
    words = {o.name for o in model.graph.output if o.type.tensor_type.elem_type == text}
    kept = [o for o in model.graph.output if o.name not in words]
    if not kept or not (tables or words):
        return model
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    outputs = [
        helper.make_tensor_value_info(tables[o.name], onnx.TensorProto.FLOAT, [None, None]) if o.name in tables else o
        for o in kept
    ]
    del copy.graph.output[:]
    copy.graph.output.extend(outputs)
    needed, nodes = {o.name for o in outputs}, []
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            nodes.append(node)
            needed |= {name for inner in _with_inner(node) for name in inner.input}
    del copy.graph.node[:]
    copy.graph.node.extend(reversed(nodes))
    numbers = [i for i in model.graph.initializer if i.name in needed]
    del copy.graph.initializer[:]
    copy.graph.initializer.extend(numbers)
    return copy


def _with_inner(node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    """Yield a node, and those of its subgraphs, which may read what is outside."""
    yield node
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _with_inner(inner)


def prepared(model: onnx.ModelProto) -> tuple[onnx.ModelProto, str]:
    """Return a form of a model that onnxruntime opens, and what onnxruntime says, in a line, if there is none.

    Functions that the file defines are put in place of their calls. Old sets of operators become newer ones. Vectors of
    length zero get an angle (`teachers.onnx_angles`).
    """
    model = with_declared_domains(model)
    if model.functions:
        model = inliner.inline_local_functions(model)
    problem = why_not(model)
    for version in NEWER if problem else ():
        try:
            newer = _converted(model, version)
        except Exception:  # it raises whatever its adapters lack: the first problem is the one to tell
            continue
        if not why_not(newer):
            model, problem = newer, ""
            break
    mended, count = with_angles_of_zero(model)
    return (mended if count and (problem or not why_not(mended)) else model), problem


def _converted(model: onnx.ModelProto, version: int) -> onnx.ModelProto:
    """Convert the standard operators to another version; the axes of any length have a number meanwhile.

    The converter of ONNX compares shapes of old operators, and knows only numbers.
    """
    numbered = onnx.ModelProto()
    numbered.CopyFrom(model)
    names: dict[str, int] = {}
    for dim in _dims(numbered):
        if not dim.dim_value:
            dim.dim_value = names.setdefault(dim.dim_param, FIRST_NUMBER + len(names))
    newer: onnx.ModelProto = version_converter.convert_version(numbered, version)
    by_number = {number: name for name, number in names.items()}
    for dim in _dims(newer):
        if dim.dim_value in by_number:
            dim.dim_param = by_number[dim.dim_value]
    del newer.graph.value_info[:]
    return newer


def _dims(model: onnx.ModelProto) -> list[onnx.TensorShapeProto.Dimension]:
    return [d for value in (*model.graph.input, *model.graph.output) for d in value.type.tensor_type.shape.dim]


def why_not(model: onnx.ModelProto) -> str:
    """Return in a line why onnxruntime does not open a model, or nothing if it does."""
    try:
        session(model)
    except Exception as error:  # it has exceptions of its own, a kind for each of its errors
        return first_line(error)
    return ""


def first_line(error: Exception) -> str:
    """Return an error's words in one line, shortened."""
    words = " ".join(str(error).split()).removeprefix("[ONNXRuntimeError] : ")
    return words.rsplit("Status Message: ", 1)[-1][:160]
