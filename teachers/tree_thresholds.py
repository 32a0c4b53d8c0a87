"""Mean and spread of features, estimated from where decision trees split them.

Trees are grown where the samples are: a threshold lies between two samples of the training data, and the first
thresholds of a tree between the most of them. Their mean is near that of the samples. They are spread less, for splits
are sought where classes meet, in the midst of the samples.

Shapes: N nodes of all trees, F features.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from zskt.vectors.inputs import VectorInputs
from zskt.vectors.moments import largest_spread

WIDER = 2.0
"""How much more samples are taken to be spread than thresholds are."""
MOST = 0.9
"""Largest estimate, a share of the largest spread that numbers of this mean have between the bounds."""
LEAST = 0.05
"""Smallest estimate, a share of the distance between the bounds; that of a uniform number is 0.29."""
PASSING = ("Cast", "Identity")
"""Operators between features and trees that leave them as they are."""
LEAF = "LEAF"


def thresholds(model: onnx.ModelProto, inputs: VectorInputs) -> tuple[list[float], list[float]] | None:
    """Estimate mean and spread of the features, F numbers each, nan where trees say nothing.

    None if there are no trees.

    Args:
        model: a graph that feeds its input to an ensemble of trees.
    """
    ensembles = list(_ensembles(model))
    if not ensembles:
        return None
    feature, value, weight = (np.concatenate(column) for column in zip(*map(_splits, ensembles), strict=True))
    weight = np.where(np.isfinite(value), weight, 0.0)  # some trees split what is missing off by an infinite one
    mean, std = (np.full(inputs.size, np.nan) for _ in range(2))
    for i in np.unique(feature[weight > 0]):
        rows = (feature == i) & (weight > 0)
        if i < inputs.size and len(np.unique(value[rows])) > 1:
            low, high = inputs.low[i], inputs.high[i]
            mean[i] = np.average(value[rows], weights=weight[rows])
            spread = WIDER * np.average((value[rows] - mean[i]) ** 2, weights=weight[rows]) ** 0.5
            least = LEAST * (high - low) if math.isfinite(high - low) else 0.0
            std[i] = min(max(spread, least), MOST * largest_spread(low, high, mean[i]))
    return mean.tolist(), std.tolist()


def _ensembles(model: onnx.ModelProto) -> Iterator[dict[str, Any]]:
    """Yield the attributes of each ensemble of trees that is fed what the graph is."""
    fed = {i.name for i in model.graph.input}
    for node in model.graph.node:
        if not set(node.input) & fed:
            continue
        if node.op_type in PASSING:
            fed |= set(node.output)
        elif node.op_type in ("TreeEnsembleClassifier", "TreeEnsembleRegressor"):
            trees = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            if "nodes_values_as_tensor" in trees:  # of 64 bits
                trees["nodes_values"] = numpy_helper.to_array(trees["nodes_values_as_tensor"])
            yield trees


def _splits(trees: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return feature, threshold and weight of each node, (N,) each."""
    return np.array(trees["nodes_featureids"]), np.array(trees["nodes_values"], dtype=np.float64), _weights(trees)


def _weights(trees: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the share of a tree that a node splits if each split halves it, (N,); 0 of leaves."""
    names = list(zip(trees["nodes_treeids"], trees["nodes_nodeids"], strict=True))
    place = {name: i for i, name in enumerate(names)}
    is_leaf = [mode.decode() == LEAF for mode in trees["nodes_modes"]]
    children = [
        [] if leaf else [place[tree, child] for child in pair]
        for leaf, (tree, _), *pair in zip(
            is_leaf, names, trees["nodes_truenodeids"], trees["nodes_falsenodeids"], strict=True
        )
    ]
    weight = np.zeros(len(names))
    below = {child for pair in children for child in pair}
    level = [(i, 1.0) for i in range(len(names)) if i not in below]
    while level:
        i, share = level.pop()
        if not is_leaf[i]:
            weight[i] = share
            level += [(child, share / 2) for child in children[i]]
    return weight
