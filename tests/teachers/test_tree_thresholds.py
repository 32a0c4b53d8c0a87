"""Mean and spread of features, estimated from decision trees."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from teachers.tree_thresholds import thresholds
from teachers.vector_file import card_of_vector_file
from zskt.vectors.inputs import VectorInputs

INPUTS = VectorInputs.from_bounds(0.0, 10.0, size=4)
OPEN = VectorInputs.from_bounds(-math.inf, math.inf, size=4)


def forest(*, cast: bool = False) -> ModelProto:
    """Two trees: one splits feature 0 at 4, behind it 1 at 2 and 0 at 7; one splits 0 at 5 and 2 at 9."""
    nodes = [  # tree, node, mode, feature, threshold, true, false
        (0, 0, "BRANCH_LEQ", 0, 4.0, 1, 2),
        (0, 1, "BRANCH_LEQ", 1, 2.0, 3, 4),
        (0, 2, "BRANCH_LEQ", 0, 7.0, 5, 6),
        *((0, i, "LEAF", 0, 0.0, 0, 0) for i in (3, 4, 5, 6)),
        (1, 0, "BRANCH_LEQ", 0, 5.0, 1, 2),
        (1, 1, "LEAF", 0, 0.0, 0, 0),
        (1, 2, "BRANCH_LEQ", 2, 9.0, 3, 4),
        *((1, i, "LEAF", 0, 0.0, 0, 0) for i in (3, 4)),
    ]
    trees, ids, modes, features, values, true, false = (list(column) for column in zip(*nodes, strict=True))
    leaves = [(tree, i) for tree, i, mode, *_ in nodes if mode == "LEAF"]
    attributes = {
        "nodes_treeids": trees, "nodes_nodeids": ids, "nodes_modes": modes, "nodes_featureids": features,
        "nodes_values": values, "nodes_truenodeids": true, "nodes_falsenodeids": false,
        "class_treeids": [tree for tree, _ in leaves], "class_nodeids": [i for _, i in leaves],
        "class_ids": [i % 2 for i in range(len(leaves))], "class_weights": [0.5] * len(leaves),
        "classlabels_int64s": [0, 1], "post_transform": "NONE",
    }  # fmt: skip
    made = [helper.make_node("Cast", ["x"], ["c"], to=TensorProto.FLOAT)] if cast else []
    made.append(
        helper.make_node(
            "TreeEnsembleClassifier", ["c" if cast else "x"], ["label", "p"], domain="ai.onnx.ml", **attributes
        )
    )
    value = helper.make_tensor_value_info
    ends = [value("label", TensorProto.INT64, [None]), value("p", TensorProto.FLOAT, [None, 2])]
    graph = helper.make_graph(made, "g", [value("x", TensorProto.FLOAT, [None, 4])], ends)
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=8)


@pytest.mark.parametrize("cast", [False, True])
def test_early_splits_count_more_and_samples_are_spread_wider(cast: bool) -> None:
    found = thresholds(forest(cast=cast), INPUTS)
    assert found is not None
    mean, std = found
    values, weights = np.array([4.0, 7.0, 5.0]), np.array([1.0, 0.5, 1.0])
    expected = np.average(values, weights=weights)
    assert mean[0] == pytest.approx(expected)
    assert std[0] == pytest.approx(2 * np.average((values - expected) ** 2, weights=weights) ** 0.5)
    assert all(math.isnan(m) and math.isnan(s) for m, s in zip(mean[1:], std[1:], strict=True))  # one split, or none


def test_ensembles_side_by_side_count_together() -> None:
    model = forest()
    again = onnx.NodeProto()
    again.CopyFrom(model.graph.node[0])
    again.output[:] = ["other", "q"]
    values = next(a for a in again.attribute if a.name == "nodes_values")
    values.floats[:] = [v + 1 for v in values.floats]
    model.graph.node.append(again)
    found, single = thresholds(model, INPUTS), thresholds(forest(), INPUTS)
    assert found is not None and single is not None
    assert found[0][0] == pytest.approx(single[0][0] + 0.5)
    assert found[0][1] == pytest.approx(2.5)  # split at 2 and at 3


def test_thresholds_of_64_bits_are_read_and_infinite_ones_left_out() -> None:
    model = forest()
    node = model.graph.node[0]
    values = next(a for a in node.attribute if a.name == "nodes_values")
    numbers = np.array(values.floats, dtype=np.float64)
    node.attribute.remove(values)
    node.attribute.append(helper.make_attribute("nodes_values_as_tensor", numpy_helper.from_array(numbers)))
    np.testing.assert_allclose(thresholds(model, INPUTS) or (), thresholds(forest(), INPUTS) or ())
    numbers[0] = np.inf
    node.attribute[-1].t.CopyFrom(numpy_helper.from_array(numbers))
    found = thresholds(model, INPUTS)
    assert found is not None and found[0][0] == pytest.approx((0.5 * 7 + 5) / 1.5)


def test_a_spread_that_bounds_do_not_allow_is_made_less() -> None:
    found = thresholds(forest(), VectorInputs.from_bounds([3.9, 0, 0, 0], [7.1, 10, 10, 10]))
    assert found is not None
    mean, std = found[0][0], found[1][0]
    assert std == pytest.approx(0.9 * math.sqrt((mean - 3.9) * (7.1 - mean)))


def test_two_thresholds_side_by_side_do_not_hold_a_feature_in_place() -> None:
    model = forest()
    values = next(a for a in model.graph.node[0].attribute if a.name == "nodes_values")
    values.floats[:] = [2.0, 2.0, 2.01, *values.floats[3:7], 2.01, *values.floats[8:]]
    found = thresholds(model, INPUTS)
    assert found is not None
    assert found[0][0] == pytest.approx(2.0, abs=0.01) and found[1][0] == pytest.approx(0.05 * 10)
    unbounded = thresholds(model, OPEN)
    assert unbounded is not None and unbounded[1][0] < 0.02


def test_a_card_says_what_its_trees_tell(tmp_path: Path) -> None:
    onnx.save(forest(), str(tmp_path / "forest.onnx"))
    features = [{"name": name, "low": 0, "high": 10} for name in "abcd"]
    (tmp_path / "features.json").write_text(json.dumps({"features": features}))
    card = card_of_vector_file(tmp_path / "forest.onnx", tmp_path / "features.json")
    assert card.inputs.uniform == (False, True, True, True)
    assert card.describe().endswith("mean and spread of 1 of 4 features: estimated from where its trees split them")


def test_a_graph_without_trees_says_nothing() -> None:
    value = helper.make_tensor_value_info
    ends = [value("x", TensorProto.FLOAT, [None, 4])], [value("y", TensorProto.FLOAT, [None, 4])]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", *ends)
    assert thresholds(helper.make_model(graph), INPUTS) is None
