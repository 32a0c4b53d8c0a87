"""Operators of ONNX-ML against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from onnx import ModelProto, TensorProto, helper

from teachers.onnx_graph import GraphNetwork
from teachers.onnx_operators.node import ConversionError
from zskt.onnx_runtime import session

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
LINEAR = {"coefficients": np.linspace(-1, 1, 12).tolist(), "intercepts": [0.1, -0.2, 0.3]}
LABELS = {"classlabels_ints": [4, 7, 9]}


def model_of(operator: str, outputs: dict[str, int], **attributes: Any) -> ModelProto:
    """A graph of one node on X."""
    node = helper.make_node(operator, ["x"], list(outputs), domain="ai.onnx.ml", **attributes)
    ends = [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()]
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])], ends)
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=8)


def converted(model: ModelProto) -> GraphNetwork:
    return GraphNetwork(model.graph, {o.domain: o.version for o in model.opset_import})


Y = {"y": TensorProto.FLOAT}
CLASSES = {"label": TensorProto.INT64, "y": TensorProto.FLOAT}


@pytest.mark.parametrize(
    ("operator", "outputs", "attributes"),
    [
        ("Scaler", Y, {"offset": [0.5, -1.0, 0.0, 2.0], "scale": [2.0, 0.5, 1.0, 3.0]}),
        ("Scaler", Y, {"offset": [0.5], "scale": [2.0]}),
        *(("Normalizer", Y, {"norm": norm}) for norm in ("MAX", "L1", "L2")),
        *(
            ("LinearClassifier", CLASSES, LINEAR | LABELS | {"post_transform": after})
            for after in ("NONE", "SOFTMAX", "LOGISTIC")
        ),
        ("LinearRegressor", Y, LINEAR | {"targets": 3}),
        ("Imputer", Y, {"imputed_value_floats": [9.0], "replaced_value_float": float(X[0, 0])}),
    ],
)
def test_answers_are_onnxruntimes_and_have_gradients(
    operator: str, outputs: dict[str, int], attributes: dict[str, Any]
) -> None:
    model = model_of(operator, outputs, **attributes)
    expected = session(model).run(None, {"x": X})
    x = torch.from_numpy(X.copy()).requires_grad_()
    answers = converted(model)(x)
    for answer, e in zip(answers, expected, strict=True):
        np.testing.assert_allclose(answer.detach().numpy(), e, atol=1e-6)
    (gradient,) = torch.autograd.grad((answers[-1] * torch.arange(1.0, answers[-1].shape[1] + 1)).sum(), x)
    assert gradient.isfinite().all() and gradient.any()


def test_missing_numbers_are_replaced() -> None:
    model = model_of("Imputer", Y, imputed_value_floats=[1.0, 2.0, 3.0, 4.0], replaced_value_float=float("nan"))
    x = X.copy()
    x[0, 1] = x[3, 2] = np.nan
    (expected,) = session(model).run(None, {"x": x})
    assert converted(model)(torch.from_numpy(x))[0].numpy() == pytest.approx(expected)
    assert (expected[0, 1], expected[3, 2]) == (2.0, 3.0)


def test_labels_are_taken_from_their_list_and_features_put_side_by_side() -> None:
    extract = helper.make_node("ArrayFeatureExtractor", ["classes", "x"], ["y"], domain="ai.onnx.ml")
    join = helper.make_node("FeatureVectorizer", ["a", "b"], ["z"], inputdimensions=[2, 1], domain="ai.onnx.ml")
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    value = helper.make_tensor_value_info
    inputs = [value("classes", TensorProto.INT64, [3]), value("x", TensorProto.INT64, [None, 1])]
    inputs += [value("a", TensorProto.FLOAT, [None, 2]), value("b", TensorProto.FLOAT, [None, 1])]
    outputs = [value("y", TensorProto.INT64, None), value("z", TensorProto.FLOAT, None)]
    model = helper.make_model(
        helper.make_graph([extract, join], "g", inputs, outputs), opset_imports=versions, ir_version=8
    )
    feed = {
        "classes": np.array([5, 6, 8]), "x": np.array([[2], [0], [1], [1]]),
        "a": np.ones((4, 2), np.float32), "b": np.zeros((4, 1), np.float32),
    }  # fmt: skip
    expected = session(model).run(None, feed)
    for answer, e in zip(converted(model)(*map(torch.from_numpy, feed.values())), expected, strict=True):
        np.testing.assert_array_equal(answer.numpy(), e)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (LABELS | LINEAR | {"post_transform": "PROBIT"}, "a linear model that ends in probit"),
        (LABELS | {"coefficients": [1.0] * 4}, "a linear model of 4 coefficients and 3 answers"),
    ],
)
def test_what_is_not_known_is_left_to_onnxruntime(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        converted(model_of("LinearClassifier", CLASSES, **attributes))(torch.from_numpy(X))
