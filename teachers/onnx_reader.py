"""Networks stored as ONNX, converted to PyTorch so that gradients flow to their inputs.

What onnxruntime tells of them beforehand, and how they are run by it: `runtime`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper
from torch import Tensor, nn

from teachers.onnx_rebuild import close, rebuild, searches
from teachers.torchscript import TRIALS, Reordered, order_of
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup
from zskt.jets.random_inputs import apart, compared, random_inputs
from zskt.onnx_runtime import feeds, optimised, session, with_ranks, with_whole_clips

warnings.filterwarnings("ignore", message="Using a non-tuple sequence", module="onnx2torch")

CLOSE = 1e-4
"""How far a converted network may be from onnxruntime, apart from jets with ties in their neighbour search."""


class Converted(nn.Module):
    """A converted graph, fed by the types and in the order of its own inputs."""

    def __init__(self, graph: nn.Module, order: Sequence[int], types: Sequence[torch.dtype]) -> None:
        super().__init__()
        self.graph, self.order, self.types = graph, tuple(order), tuple(types)
        self.origin = ""

    def forward(self, *x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The inputs in the order of ``preprocess.json``."""
        said: Tensor | tuple[Tensor, ...] = self.graph(
            *(x[i].to(t) for i, t in zip(self.order, self.types, strict=True))
        )
        return said


def _load(path: Path) -> onnx.ModelProto:
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf raises whatever the broken bytes lead to
        first = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: not a readable ONNX file ({first}); fetch it again") from error
    return model


def read_onnx(path: Path, groups: Sequence[InputGroup], where: Path) -> tuple[nn.Module, list[InputGroup]]:
    """The network, its inputs in the order of ``groups``, and the groups with the lengths and ranks that it insists on.

    Raises:
        UserError: if the file is damaged, holds operators that cannot be converted, or does not belong to ``groups``.
    """
    model = _load(path)
    weights = {initializer.name for initializer in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in weights]
    order = order_of([i.name for i in inputs], groups, path, where)
    told, fixed = list(groups), 0
    for entry, i in zip(inputs, order, strict=True):
        dims, group = entry.type.tensor_type.shape.dim, groups[i]
        channels = dims[1].dim_value if len(dims) > 1 else 0
        if channels and channels != len(group.variables):
            raise UserError(
                f"{path}: its input {entry.name} takes {channels} variables, {group.name} of {where} has "
                f"{len(group.variables)}; give the two files that belong together"
            )
        length = dims[2].dim_value if len(dims) > 2 else 0
        told[i] = replace(group, flat=len(dims) == 2)
        if length:
            told[i] = replace(told[i], min_length=length, max_length=length)
        if dims and dims[0].dim_value:
            fixed, dims[0].dim_param = dims[0].dim_value, "jets"  # often an accident of the export: try
    x = random_inputs(told, TRIALS)
    ordered = [x[i] for i in order]
    ours = _rebuilt(model, [told[i] for i in order], ordered)
    if ours is not None:
        return (ours if order == list(range(len(groups))) else Reordered(ours, order)), told
    types = [_type(i.type.tensor_type.elem_type) for i in inputs]
    network = Converted(_convert(model, ordered, path, where, fixed), order, types).eval()
    _require_equal(model, network, x, ordered, path)
    return network, told


def _rebuilt(model: onnx.ModelProto, groups: Sequence[InputGroup], x: Sequence[Tensor]) -> nn.Module | None:
    """A `ParticleNetTagger` as our own class, if the file holds one; inputs in its own order."""
    try:
        found = session(searches(model)).run(None, feeds(session(model), x))
        expected = session(model).run(None, feeds(session(model), x))[0]
    except Exception:  # whatever is wrong is said by the conversion that follows
        return None
    network = rebuild(model, groups, [indices.shape[-1] - 1 for indices in found])
    if network is None or not close(network, x, torch.from_numpy(np.asarray(expected))):
        return None
    layers = [node for node in model.graph.node if node.op_type in ("Conv", "BatchNormalization", "Gemm")]
    weights = {name for node in layers for name in node.input[1:3]}  # without running statistics
    network.published = sum(int(np.prod(i.dims)) for i in model.graph.initializer if i.name in weights)
    same = compared(network, x, torch.from_numpy(np.asarray(expected)), "onnxruntime")
    network.origin = f"ONNX, run as our own ParticleNet: {same}"
    return network


def _type(element: int) -> torch.dtype:
    return torch.from_numpy(np.zeros(1, helper.tensor_dtype_to_np_dtype(element))).dtype


def _convert(model: onnx.ModelProto, x: Sequence[Tensor], path: Path, where: Path, fixed: int) -> nn.Module:
    import onnx2torch  # takes a second to import

    try:
        told = with_whole_clips(with_ranks(optimised(model), x))
    except Exception as error:
        if fixed:
            raise UserError(
                f"{path}: was exported for batches of exactly {fixed}; export it with a dynamic first axis, or give it "
                "as TorchScript"
            ) from error
        first = " ".join(str(error).split())[:160]
        if "NOT_IMPLEMENTED" in first:
            raise UserError(
                f"{path}: onnxruntime cannot compute it ({first}); export it in 32 bits, or give it as TorchScript"
            ) from error
        raise UserError(
            f"{path}: onnxruntime cannot run it on what {where} describes ({first}); "
            "give the two files that belong together"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            converted: nn.Module = onnx2torch.convert(told)
    except NotImplementedError as error:
        found = re.search(r"operation_type='(\w+)'", str(error))
        if found is None:
            first = " ".join(str(error).split())[:120]
            raise UserError(f"{path}: onnx2torch cannot convert it ({first}); give it as TorchScript") from error
        operator = found[1]
        raise UserError(
            f"{path}: holds the operator {operator}, which onnx2torch cannot convert; "
            "give the network as TorchScript, or one without that operator"
        ) from error
    except Exception as error:
        first = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise UserError(f"{path}: onnx2torch cannot convert it ({first}); give it as TorchScript") from error
    return converted


def _require_equal(
    model: onnx.ModelProto, network: Converted, x: Sequence[Tensor], ordered: Sequence[Tensor], path: Path
) -> None:
    """Note how well the network answers; raise `UserError` if most random jets get another answer than from ORT."""
    run = session(model)
    said = [torch.from_numpy(np.asarray(a)).reshape(len(x[0]), -1) for a in run.run(None, feeds(run, ordered))]
    expected = torch.cat(said, 1).float()
    try:
        off = float(apart(network, x, expected).median())
    except Exception as error:  # converted operators raise whatever they do
        first = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: does not run after conversion ({first}); give it as TorchScript") from error
    if off > CLOSE:
        raise UserError(
            f"{path}: after conversion it answers otherwise than in onnxruntime (by {off:.2g}); "
            "give the network as TorchScript"
        )
    network.origin = f"ONNX, converted: {compared(network, x, expected, 'onnxruntime')}"
