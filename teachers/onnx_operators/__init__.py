"""Operators of ONNX as functions of PyTorch, by domain and name; a new one is a function and a line of its file.

They follow https://onnx.ai/onnx/operators, and https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
for those that onnxruntime makes when it simplifies a graph.
"""

from __future__ import annotations

from teachers.onnx_operators import (
    attention,
    elementwise,
    indexing,
    layers,
    machine_learning,
    quantised,
    recurrent,
    reductions,
    sequences,
    shapes,
)
from teachers.onnx_operators.node import Operator

STANDARD: dict[str, Operator] = {
    **elementwise.OPERATORS, **shapes.OPERATORS, **indexing.OPERATORS, **reductions.OPERATORS, **layers.OPERATORS,
    **recurrent.OPERATORS, **quantised.OPERATORS, **attention.OPERATORS, **sequences.OPERATORS,
}  # fmt: skip
FUSED = (
    "Gelu", "BiasGelu", "FastGelu", "QuickGelu", "FusedMatMul", "FusedGemm", "FusedConv", "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization", "QuantizeLinear", "DequantizeLinear",
)  # fmt: skip
"""Operators of onnxruntime's own that are known."""


def find(domain: str, name: str) -> Operator | None:
    """Return the function of an operator, or None if there is none."""
    if domain in ("", "ai.onnx"):
        return STANDARD.get(name)
    if domain == "ai.onnx.ml":
        return machine_learning.OPERATORS.get(name)
    if domain == "com.microsoft":
        return STANDARD[name] if name in FUSED else None
    return quantised.QONNX_OPERATORS.get(name) if domain in quantised.QONNX_DOMAINS else None
