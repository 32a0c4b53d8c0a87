"""Write a tagger as ONNX, its inputs named and laid out as its description has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from teachers.layouts import CANONICAL, arrange, takes_one_jet
from zskt.jets.random_inputs import random_inputs

if TYPE_CHECKING:  # takes a second to import
    import onnx

    from teachers.tagger import Tagger


def export_tagger(network: nn.Module, tagger: Tagger, folder: Path, whose: str) -> tuple[Path, str] | None:
    """Trace a tagger's network and write it; return the file and ``whose`` export it is, or None if it takes one jet.

    Args:
        network: called with its own inputs.
        tagger: the same, as it was read.
        folder: where to write.
    """
    from zskt.onnx_runtime import N_TRACE_SAMPLES, write_onnx  # onnx takes a second to import

    if any(map(takes_one_jet, tagger.layouts)):
        return None
    preprocess, path = tagger.preprocess, folder / "teacher.onnx"
    groups = [preprocess.groups[i] for i in tagger.order]
    x = random_inputs(groups, N_TRACE_SAMPLES)
    names = [g.name for g in groups]
    if all(layout in CANONICAL for layout in tagger.layouts):
        write_onnx(network, names, tuple(group.axes for group in groups), x, path)
        return path, whose
    import onnx

    own = [arrange(t, layout) for t, layout in zip(x, tagger.layouts, strict=True)]
    axes = [
        {i: "N" if letter == "B" else f"n_{g.collection}" for i, letter in enumerate(layout) if letter in "BP"}
        for g, layout in zip(groups, tagger.layouts, strict=True)
    ]
    write_onnx(network, names, axes, own, path)  # a script cannot be traced within another network
    model = rearranged(onnx.load(str(path)), tagger)
    assert model is not None
    onnx.save(model, str(path))
    return path, whose


def rearranged(model: onnx.ModelProto, tagger: Tagger) -> onnx.ModelProto | None:
    """Copy a graph with its inputs named as described, and brought into its own layouts; None if it takes one jet."""
    import onnx

    from teachers.onnx_reader import inputs_of

    if any(map(takes_one_jet, tagger.layouts)):
        return None
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    inputs = inputs_of(copy)
    groups = [tagger.preprocess.groups[i] for i in tagger.order]
    names = {i.name: group.name for i, group in zip(inputs, groups, strict=True)}
    for node in copy.graph.node:
        for k, name in enumerate(node.input):
            node.input[k] = names.get(name, name)
    moves: list[onnx.NodeProto] = []
    for entry, group, layout in zip(inputs, groups, tagger.layouts, strict=True):
        entry.name = group.name
        if layout not in ("BCP", "BC"):
            moves += _moves(entry, layout, group.flat, copy)
    nodes = [*moves, *copy.graph.node]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


def _moves(entry: onnx.ValueInfoProto, layout: str, flat: bool, model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the nodes that bring (B, C, P) into a layout, and change the input's shape to that; see `arrange`."""
    from onnx import helper

    name, dims = entry.name, entry.type.tensor_type.shape.dim
    by_letter: dict[str, Any] = {letter: dim for letter, dim in zip(layout, dims, strict=True) if letter != "1"}
    version = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    outer = "BC" if flat else "BCP"
    sizes = [by_letter[letter].dim_value or by_letter[letter].dim_param or None if letter in by_letter else 1
             for letter in outer]  # fmt: skip
    del dims[:]
    entry.type.CopyFrom(helper.make_tensor_type_proto(entry.type.tensor_type.elem_type, sizes))
    inner = f"{name}_as_{layout}"
    for node in model.graph.node:
        for k, wanted in enumerate(node.input):
            node.input[k] = inner if wanted == name else wanted
    letters = [letter for letter in outer if letter in layout]
    order = [letters.index(letter) for letter in layout if letter != "1"]
    dropped = [axis for axis, letter in enumerate(outer) if letter not in layout]
    added = [axis for axis, letter in enumerate(layout) if letter == "1"]
    nodes, current = [], name
    for operator, axes in (("Squeeze", dropped), ("Transpose", order), ("Unsqueeze", added)):
        if not axes or (operator == "Transpose" and axes == sorted(axes)):
            continue
        following = f"{name}_{operator.lower()}_for_{layout}"
        if operator == "Transpose":
            nodes.append(helper.make_node(operator, [current], [following], perm=axes))
        elif version < 13:
            nodes.append(helper.make_node(operator, [current], [following], axes=axes))
        else:
            constant = f"{following}_axes"
            model.graph.initializer.append(helper.make_tensor(constant, 7, [len(axes)], axes))  # 7: INT64
            nodes.append(helper.make_node(operator, [current, constant], [following]))
        current = following
    nodes.append(helper.make_node("Identity", [current], [inner]))
    return nodes
