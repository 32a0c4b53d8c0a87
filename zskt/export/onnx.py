"""Quantisation of ONNX networks to int8."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from zskt.onnx_runtime import feeds, session


def quantise(model: Path, path: Path, names: Sequence[str], x: Sequence[Tensor]) -> None:
    """Quantise weights and activations of all products to 8 bits, with ranges from a batch of inputs.

    Args:
        path: the file to write.
        names, x: inputs and their names.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    network = session(model)
    named = dict(zip(names, x, strict=True))
    batch = feeds(network, [named[i.name] for i in network.get_inputs()])

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Gives the batch once."""

        def __init__(self) -> None:
            self.batches = [batch]

        def get_next(self) -> dict[str, Any] | None:
            return self.batches.pop() if self.batches else None

    logging.getLogger().setLevel(logging.ERROR)  # it recommends another preparation, which changes nothing here
    operators = ["Conv", "MatMul", "Gemm"]
    quantize_static(
        str(model), str(path), Reader(), op_types_to_quantize=operators, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip
