"""Networks on their way out: to ONNX, to int8, and through onnxruntime to see what they have become.

Shapes: B samples, K classes, R regressed values.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from teachers.runtime import feeds, session

OPSET = 17
OUTPUT = "softmax"
"""Name of the output, as CMS has it."""


def write_onnx(
    network: nn.Module, names: Sequence[str], axes: Sequence[Mapping[int, str]], x: Sequence[Tensor], path: Path
) -> set[str]:
    """Trace a network; names of the inputs that it uses.

    Args:
        names: of its inputs.
        axes: of each input, which may have any length, and what they count.
        x: a few samples of them.
    """
    dynamic = dict(zip(names, axes, strict=True)) | {OUTPUT: {0: "N"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is deprecated; it is the one that needs no more packages
        torch.onnx.export(
            network, tuple(x), str(path), input_names=list(names), output_names=[OUTPUT], dynamic_axes=dynamic,
            opset_version=OPSET, dynamo=False, verbose=False,
        )  # fmt: skip
    model = onnx.load(str(path))
    onnx.checker.check_model(model)
    return {i.name for i in model.graph.input}


def run_onnx(path: Path, names: Sequence[str], x: Sequence[Tensor]) -> Tensor:
    """What an exported network says of inputs with these names: (B, K + R)."""
    network = session(path)
    named = dict(zip(names, x, strict=True))
    said = network.run(None, feeds(network, [named[i.name] for i in network.get_inputs()]))[0]
    return torch.from_numpy(np.asarray(said))


def quantise(model: Path, path: Path, names: Sequence[str], x: Sequence[Tensor]) -> None:
    """Weights and activations of all products in 8 bits, ranges from inputs ``x``."""
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    network = session(model)
    named = dict(zip(names, x, strict=True))
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
