"""Networks on their way out: to ONNX, to int8, and through onnxruntime to see what they have become.

Shapes: B samples, K classes, R regressed values.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from zskt.onnx_runtime import feeds, session


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
