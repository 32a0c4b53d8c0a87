"""Networks stored as ONNX, run in PyTorch so that gradients flow to their inputs.

CMS's ParticleNets are run by our own class (`teachers.onnx_rebuild`), others are converted (`teachers.onnx_convert`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from teachers.input_order import Reordered, input_order
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.jets.random_inputs import N_TRIAL_JETS, describe_differences, largest_differences, random_inputs

if TYPE_CHECKING:  # takes a second to import
    import onnx

SUFFIXES: tuple[str, ...] = (".onnx",)
SAME_NETWORK_TOLERANCE = 1e-5
"""How far most outputs of two forms of one network may be apart, in probabilities."""


def sniff(path: Path) -> bool:
    """Return whether a file is called ONNX: the format has no mark to know it by."""
    return path.suffix in SUFFIXES


def read(path: Path, groups: Sequence[InputGroup], preprocess_file: Path) -> tuple[nn.Module, list[InputGroup]]:
    """Read a network, its inputs in the order of ``groups``, and the groups with the lengths and ranks it insists on.

    Raises:
        UserError: if the file is damaged, holds operators that cannot be converted, or does not belong to ``groups``.
    """
    from teachers.onnx_batches import free_batch
    from teachers.onnx_black_box import OnnxRuntimeNetwork
    from teachers.onnx_convert import ConversionError, convert

    model = _load(path)
    inputs = _inputs(model)
    order = input_order([i.name for i in inputs], groups, path, preprocess_file)
    groups, fixed_batch = _with_lengths(inputs, order, groups, path, preprocess_file)
    x = random_inputs(groups, N_TRIAL_JETS)
    ordered = [x[i] for i in order]
    rebuilt = _rebuild(
        free_batch(model, fixed_batch, False) if fixed_batch else model, [groups[i] for i in order], ordered
    )
    if rebuilt is not None:
        return (rebuilt if order == list(range(len(groups))) else Reordered(rebuilt, order)), groups
    try:
        network: nn.Module = convert(model, ordered, path)
    except ConversionError as reason:
        black_box = OnnxRuntimeNetwork(model, ordered)
        black_box.origin += f": {reason}"
        network = black_box
    return (network if order == list(range(len(groups))) else Reordered(network, order)), groups


def _load(path: Path) -> onnx.ModelProto:
    import onnx

    from teachers.onnx_versions import with_declared_domains

    try:
        model = with_declared_domains(onnx.load(str(path)))
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf raises whatever the broken bytes lead to
        first = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: not a readable ONNX file ({first}); fetch it again") from error
    return model


def _inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Return the inputs of a graph without its weights, which old files list among them."""
    weights = {initializer.name for initializer in model.graph.initializer}
    return [i for i in model.graph.input if i.name not in weights]


def _with_lengths(
    inputs: Sequence[onnx.ValueInfoProto],
    order: Sequence[int],
    groups: Sequence[InputGroup],
    path: Path,
    preprocess_file: Path,
) -> tuple[list[InputGroup], int]:
    """Return the groups with the lengths and ranks of a graph's inputs, and the batch size that it is fixed to, or 0.

    Raises:
        UserError: if an input has another number of variables than its group.
    """
    lengthened, fixed_batch = list(groups), 0
    for entry, i in zip(inputs, order, strict=True):
        dims, group = entry.type.tensor_type.shape.dim, groups[i]
        channels = dims[1].dim_value if len(dims) > 1 else 0
        if channels and channels != len(group.variables):
            raise UserError(
                f"{path}: its input {entry.name} takes {channels} variables, {group.name} of {preprocess_file} has "
                f"{len(group.variables)}; give the two files that belong together"
            )
        length = dims[2].dim_value if len(dims) > 2 else 0
        lengthened[i] = replace(group, flat=len(dims) == 2)
        if length:
            lengthened[i] = replace(lengthened[i], min_length=length, max_length=length)
        if dims and dims[0].dim_value:
            fixed_batch = dims[0].dim_value
    return lengthened, fixed_batch


def _rebuild(model: onnx.ModelProto, groups: Sequence[InputGroup], x: Sequence[Tensor]) -> nn.Module | None:
    """Return a `ParticleNetTagger` as our own class, if the graph is one; groups and inputs in the graph's order."""
    from teachers.onnx_rebuild import is_close, neighbour_searches, rebuild
    from zskt.onnx_runtime import feeds, session

    try:
        indices = session(neighbour_searches(model)).run(None, feeds(session(model), x))
        expected = session(model).run(None, feeds(session(model), x))[0]
    except Exception:  # whatever is wrong is said by the conversion that follows
        return None
    network = rebuild(model, groups, [search.shape[-1] - 1 for search in indices])
    if network is None or not is_close(network, x, torch.from_numpy(np.asarray(expected))):
        return None
    layers = [node for node in model.graph.node if node.op_type in ("Conv", "BatchNormalization", "Gemm")]
    weights = {name for node in layers for name in node.input[1:3]}  # without running statistics
    network.published = sum(int(np.prod(i.dims)) for i in model.graph.initializer if i.name in weights)
    differences = describe_differences(network, x, torch.from_numpy(np.asarray(expected)), "onnxruntime")
    network.origin = f"ONNX, run as our own ParticleNet: {differences}"
    return network


def as_onnx(path: Path, network: nn.Module, preprocess: Preprocess, folder: Path) -> tuple[Path, str]:
    """Copy the file, its inputs named as in ``preprocess``; return the copy, and whose export it is."""
    import onnx

    del network
    model = onnx.load(str(path))
    inputs = _inputs(model)
    order = input_order([i.name for i in inputs], preprocess.groups, path, path)
    names = {i.name: preprocess.groups[j].name for i, j in zip(inputs, order, strict=True)}
    for i in inputs:
        i.name = names[i.name]
    for node in model.graph.node:
        for k, name in enumerate(node.input):
            node.input[k] = names.get(name, name)
    copy = folder / "teacher.onnx"
    onnx.save(model, str(copy))
    return copy, "the publisher's ONNX"


def holds_same_network(path: Path, network: nn.Module, preprocess: Preprocess) -> bool:
    """Return whether a file gives the outputs of a `teachers.tagger.Tagger`, and is not another network beside it."""
    from zskt.onnx_runtime import feeds, session

    try:
        run = session(path)
        order = input_order([i.name for i in run.get_inputs()], preprocess.groups, path, path)
        x: Sequence[Tensor] = random_inputs(preprocess.groups, 8)
        outputs = torch.from_numpy(np.asarray(run.run(None, feeds(run, [x[i] for i in order]))[0]))
        differences = largest_differences(network.get_submodule("network"), x, outputs)
        return float(differences.median()) < SAME_NETWORK_TOLERANCE
    except Exception:  # runtimes raise whatever their operators do
        return False
