"""Networks on their way out: to ONNX, to int8, and through onnxruntime to see what they have become.

Shapes: B jets, C variables, P entries, K classes, R regressed values.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from teachers.onnx_file import feeds, session
from teachers.preprocess import Preprocess, random_inputs
from teachers.torchscript import order_of

OPSET = 17


def write_onnx(network: nn.Module, preprocess: Preprocess, path: Path) -> set[str]:
    """Trace the network with a dynamic number of jets and of entries; names of the inputs that it uses."""
    x = random_inputs(preprocess.groups, 3)
    names = [group.name for group in preprocess.groups]
    axes = {
        g.name: {0: "N"} if g.flat else {0: "N", 2: f"n_{g.collection}"} for g in preprocess.groups
    } | {"softmax": {0: "N"}}  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is deprecated; it is the one that needs no more packages
        torch.onnx.export(
            network, x, str(path), input_names=names, output_names=["softmax"], dynamic_axes=axes,
            opset_version=OPSET, dynamo=False, verbose=False,
        )  # fmt: skip
    model = onnx.load(str(path))
    onnx.checker.check_model(model)
    return {i.name for i in model.graph.input}


def run_onnx(path: Path, x: Sequence[Tensor], preprocess: Preprocess) -> Tensor:
    """What an exported network says of the inputs, in the order of ``preprocess``: (B, K + R)."""
    network = session(path)
    named = {group.name: t for group, t in zip(preprocess.groups, x, strict=True)}
    said = network.run(None, feeds(network, [named[i.name] for i in network.get_inputs()]))[0]
    return torch.from_numpy(np.asarray(said))


def quantise(model: Path, path: Path, x: Sequence[Tensor], preprocess: Preprocess) -> None:
    """Weights and activations of all products in 8 bits, ranges from inputs ``x``."""
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    network = session(model)
    named = {group.name: t for group, t in zip(preprocess.groups, x, strict=True)}
    fed = feeds(network, [named[i.name] for i in network.get_inputs()])

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """One batch, once."""

        def __init__(self) -> None:
            self.left = [fed]

        def get_next(self) -> dict[str, Any] | None:
            return self.left.pop() if self.left else None

    logging.getLogger().setLevel(logging.ERROR)  # it recommends another preparation, which changes nothing here
    kinds = ["Conv", "MatMul", "Gemm"]
    quantize_static(
        str(model), str(path), Reader(), op_types_to_quantize=kinds, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip


def full(preprocess: Preprocess, jets: int) -> tuple[Tensor, ...]:
    """Random inputs of jets with as many entries as the network takes: the worst case of a trigger."""
    return random_inputs([replace(g, min_length=g.max_length) for g in preprocess.groups], jets)


def script_to_onnx(file: Path, preprocess: Preprocess, path: Path) -> Path:
    """A TorchScript teacher as ONNX, to be timed beside its student."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.freeze(torch.jit.load(str(file), map_location="cpu").eval())  # type: ignore[no-untyped-call]
    taken = [a.name for a in script.forward.schema.arguments[1:] if not a.has_default_value()]
    order = order_of(taken, preprocess.groups, file, path)
    write_onnx(script, replace(preprocess, groups=tuple(preprocess.groups[i] for i in order)), path)
    return path
