"""What ONNX-ML says of its answers: names of classes, in the order of the columns, or values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import ModelProto, NodeProto, TensorProto, helper

from teachers.file_card import FileCard
from teachers.onnx_classes import class_names, in_order, regressor
from teachers.vector_file import card_of_vector_file, random_vectors
from zskt.errors import UserError
from zskt.experiments.build import load_teacher
from zskt.onnx_runtime import session

WEIGHTS = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
LINEAR = {"coefficients": WEIGHTS.flatten().tolist(), "intercepts": [0.1, 0.2, 0.3], "post_transform": "SOFTMAX"}


def model_of(nodes: Sequence[NodeProto], outputs: Sequence[str]) -> ModelProto:
    """A graph of a few nodes on x, four numbers."""
    value = helper.make_tensor_value_info
    ends = [value(name, TensorProto.FLOAT, [None, None]) for name in outputs]
    graph = helper.make_graph(list(nodes), "g", [value("x", TensorProto.FLOAT, [None, 4])], ends)
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=8)


def node(operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> NodeProto:
    return helper.make_node(operator, list(inputs), list(outputs), domain="ai.onnx.ml", **attributes)


def classifier(**labels: Any) -> ModelProto:
    return model_of([node("LinearClassifier", ["x"], ["l", "p"], **LINEAR, **labels)], ["p"])


def card(folder: Path, model: ModelProto, classes: str = "", name: str = "net.onnx") -> FileCard:
    onnx.save(model, str(folder / name))
    features = [{"name": n, "low": -2, "high": 2} for n in "abcd"]
    (folder / "features.json").write_text(json.dumps({"features": features}))
    (folder / "classes.txt").write_text("\n".join(classes.split()))
    return card_of_vector_file(folder / name, folder / "features.json", folder / "classes.txt" if classes else None)


def probabilities(model: ModelProto, x: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(session(model).run(["p"], {"x": x.numpy()})[0])


def test_names_of_a_classifier_are_those_of_its_classes(tmp_path: Path) -> None:
    words = card(tmp_path, classifier(classlabels_strings=["ant", "bee", "cow"]))
    assert words.classes == ("ant", "bee", "cow")
    numbers = classifier(classlabels_ints=[3, 5, 7])
    assert card(tmp_path, numbers, name="numbers.onnx").classes == ("3", "5", "7")
    assert card(tmp_path, numbers, "x y z", "named.onnx").classes == ("x", "y", "z")


def test_a_table_of_probabilities_names_them_too() -> None:
    nodes = [
        node("LinearClassifier", ["x"], ["l", "p"], **LINEAR, classlabels_ints=[0, 1, 2]),
        node("ZipMap", ["p"], ["t"], classlabels_strings=["ant", "bee", "cow"]),
    ]
    assert class_names(model_of(nodes, ["t"])) == (("ant", "bee", "cow"),)
    assert class_names(model_of([helper.make_node("Relu", ["x"], ["y"])], ["y"])) == ()


def test_columns_of_numbered_classes_come_in_the_order_of_the_numbers(tmp_path: Path) -> None:
    model = classifier(classlabels_ints=[2, 0, 1])
    teacher = card(tmp_path, model)
    x = random_vectors(teacher.inputs)  # type: ignore[arg-type]
    assert teacher.classes == ("0", "1", "2") and in_order(("2", "0", "1")) == (1, 2, 0)
    assert in_order(("7", "3", "5")) == (0, 1, 2)
    assert torch.allclose(teacher.load()(x).softmax(1), probabilities(model, x)[:, [1, 2, 0]], atol=1e-5)
    with pytest.raises(UserError, match=r"are the classes 2, 0, 1, in this order, so that it is not clear whose"):
        _ = card(tmp_path, model, "x y z", "again.onnx").classes


def test_the_same_names_in_another_order_are_taken_in_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = classifier(classlabels_strings=["ant", "bee", "cow"])
    teacher = card(tmp_path, model, "cow ant bee")
    x = random_vectors(teacher.inputs)  # type: ignore[arg-type]
    assert teacher.classes == ("ant", "bee", "cow")
    assert torch.allclose(teacher.load()(x).softmax(1), probabilities(model, x), atol=1e-5)
    assert "the same names in another order, which is taken: ant, bee, cow" in capsys.readouterr().err


def test_networks_with_other_orders_of_classes_do_not_answer_together(tmp_path: Path) -> None:
    first = card(tmp_path, classifier(classlabels_strings=["ant", "bee", "cow"]))
    other = tmp_path / "other.onnx"
    onnx.save(classifier(classlabels_strings=["bee", "ant", "cow"]), str(other))
    with pytest.raises(UserError, match="its classes are bee, ant, cow, those of the first network ant, bee, cow"):
        load_teacher(first, [other])


@pytest.mark.parametrize("after", ["", "Identity", "Cast"])
def test_a_regressor_is_no_classifier(tmp_path: Path, after: str) -> None:
    linear = node("LinearRegressor", ["x"], ["v" if after else "p"], coefficients=[0.1] * 4, intercepts=[0.3])
    to = {"to": TensorProto.FLOAT} if after == "Cast" else {}
    model = model_of([linear, *([helper.make_node(after, ["v"], ["p"], **to)] if after else [])], ["p"])
    with pytest.raises(UserError, match="answers values, and not classes, as its operator LinearRegressor says"):
        card(tmp_path, model)
    squashed = model_of([linear, helper.make_node("Sigmoid", [linear.output[0]], ["s"])], ["s"])
    assert regressor(squashed, "s") == "" and regressor(model, "p") == "LinearRegressor"


def test_one_number_that_may_be_a_value_is_said_to_be_taken_for_a_logit(tmp_path: Path) -> None:
    def shifted(name: str, by: float) -> ModelProto:
        model = model_of(
            [helper.make_node("ReduceSum", ["x", "axes"], ["s"]), helper.make_node("Add", ["s", "by"], [name])], [name]
        )
        model.graph.initializer.append(helper.make_tensor("axes", TensorProto.INT64, [1], [1]))
        model.graph.initializer.append(helper.make_tensor("by", TensorProto.FLOAT, [], [by]))
        return model

    far = str(card(tmp_path, shifted("y", 30), name="far.onnx").load().taken_for)
    assert far.startswith("2 classes, by the second class's logit; all 64 random vectors are on one side of 0 (")
    near = card(tmp_path, shifted("y", 0), name="near.onnx").load().taken_for
    assert near == "2 classes, by the second class's logit"
    price = str(card(tmp_path, shifted("price", 0), name="price.onnx").load().taken_for)
    assert "its output is called 'price': if that is a value, there are no classes to learn" in price
    with pytest.raises(UserError, match="answers values, and not classes, as its output variable says"):
        card(tmp_path, shifted("variable", 0), name="variable.onnx")
