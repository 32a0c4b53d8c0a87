"""Operators of ONNX-ML, the domain ai.onnx.ml, in which scikit-learn's pipelines are written.

Those that have a gradient, and what leads to the labels. Trees, support vectors and steps stay with onnxruntime.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from teachers.onnx_operators.node import ConversionError, Node, Operator

AFTER: dict[str, Callable[[Tensor], Tensor]] = {
    "NONE": lambda x: x,
    "SOFTMAX": lambda x: x.softmax(-1),
    "LOGISTIC": torch.sigmoid,
}
"""What a linear model may do with its scores."""


def _floats(node: Node, name: str, x: Tensor) -> Tensor:
    return torch.tensor(list(node.get(name, ())), dtype=torch.float32, device=x.device)


def _scaler(node: Node, x: Tensor) -> Tensor:
    return (x.float() - _floats(node, "offset", x)) * _floats(node, "scale", x)


def _normalizer(node: Node, x: Tensor) -> Tensor:
    x, norm = x.float(), node.get("norm", "MAX")
    if norm == "MAX":
        size = x.amax(-1, keepdim=True)
    else:
        size = torch.linalg.vector_norm(x, 1 if norm == "L1" else 2, -1, keepdim=True)
    return x / torch.where(size == 0, 1.0, size)


def _linear(node: Node, x: Tensor, outputs: int) -> Tensor:
    weight = _floats(node, "coefficients", x)
    if len(weight) != outputs * x.shape[-1]:
        raise ConversionError(f"holds a linear model of {len(weight)} coefficients and {outputs} answers")
    weight = weight.view(outputs, -1)
    bias = _floats(node, "intercepts", x)
    scores = x.float() @ weight.T
    return scores + bias if len(bias) else scores


def _after(node: Node, scores: Tensor) -> Tensor:
    name = node.get("post_transform", "NONE")
    if name not in AFTER:
        raise ConversionError(f"holds a linear model that ends in {name.lower()}")
    return AFTER[name](scores)


def _linear_classifier(node: Node, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return labels (B,), as positions where they are words, and scores (B, K)."""
    labels = node.get("classlabels_ints") or node.get("classlabels_strings")
    scores = _linear(node, x, len(labels))
    numbers = torch.tensor(labels if node.get("classlabels_ints") else list(range(len(labels))), device=x.device)
    return numbers[scores.argmax(-1)], _after(node, scores)


def _linear_regressor(node: Node, x: Tensor) -> Tensor:
    return _after(node, _linear(node, x, node.get("targets", 1)))


def _imputer(node: Node, x: Tensor) -> Tensor:
    values = _floats(node, "imputed_value_floats", x)
    missing = node.get("replaced_value_float", 0.0)
    is_missing = x.isnan() if missing != missing else x == missing
    return torch.where(is_missing, values, x)


def _array_feature_extractor(node: Node, x: Tensor, index: Tensor) -> Tensor:
    return x.index_select(-1, index.flatten().long()).reshape(*(x.shape[:-1] or (1,)), -1)


def _feature_vectorizer(node: Node, *x: Tensor) -> Tensor:
    return torch.cat([t.float().reshape(len(t), -1) for t in x], 1)


OPERATORS: dict[str, Operator] = {
    "Scaler": _scaler,
    "Normalizer": _normalizer,
    "LinearClassifier": _linear_classifier,
    "LinearRegressor": _linear_regressor,
    "Imputer": _imputer,
    "ArrayFeatureExtractor": _array_feature_extractor,
    "FeatureVectorizer": _feature_vectorizer,
}
