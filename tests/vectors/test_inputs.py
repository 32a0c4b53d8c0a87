"""Input specification of vectors: from bounds, from a network, from a file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from zskt.errors import UserError
from zskt.vectors.inputs import VectorInputs


def test_bounds_may_be_numbers_lists_arrays_and_tensors() -> None:
    lists = VectorInputs.from_bounds([0.0, -1.0], [2.0, 3.0])
    assert lists == VectorInputs.from_bounds(np.array([0.0, -1.0]), torch.tensor([2.0, 3.0]))
    assert (lists.low, lists.high, lists.names) == ((0.0, -1.0), (2.0, 3.0), ("x0", "x1"))
    assert lists.mean == (1.0, 1.0) and lists.std == pytest.approx((2 / math.sqrt(12), 4 / math.sqrt(12)))
    assert VectorInputs.from_bounds(0, [2.0, 3.0]).low == (0.0, 0.0)
    assert VectorInputs.from_bounds(0, 1, size=5).size == 5
    assert VectorInputs.from_bounds(np.float32(0), torch.tensor(1.0)).size == 1


def test_a_missing_bound_leaves_mean_and_spread() -> None:
    inputs = VectorInputs.from_bounds([-math.inf, 3.0, -math.inf], [math.inf, math.inf, 3.0], std=[1.0, 2.0, 2.0])
    assert inputs.mean == (0.0, 5.0, 1.0) and inputs.std == (1.0, 2.0, 2.0)
    inputs = VectorInputs.from_bounds(-math.inf, math.inf, mean=[4.0, 5.0], std=2.0)
    assert inputs.mean == (4.0, 5.0) and inputs.std == (2.0, 2.0)


def test_categories_are_groups_of_columns_between_0_and_1() -> None:
    inputs = VectorInputs.from_bounds([0.0] * 6, [9.0] * 6, integers=[0], categories=[(1, 2), (3, 5)])
    assert inputs.groups == {"0": (1, 2), "1": (3, 5)}
    assert inputs.high == (9.0, 1.0, 1.0, 1.0, 9.0, 1.0)
    assert [kind == "integer" for kind in inputs.kinds] == [True] + [False] * 5


def test_samples_become_a_batch() -> None:
    inputs = VectorInputs.from_bounds(0, 1, size=3)
    (x,) = inputs(torch.ones(2, 3, dtype=torch.float64))
    assert x.dtype == torch.float32 and torch.equal(x, torch.ones(2, 3))
    with pytest.raises(UserError, match=r"samples of shape \(2, 4\): give \(samples, 3\)"):
        inputs(torch.ones(2, 4))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": [0, 0], "high": [1, 1, 1]}, "low has 2, high has 3 entries"),
        ({"low": [], "high": []}, "no features"),
        ({"low": 2, "high": 1}, "x0: bounds 2 and 1"),
        ({"low": math.nan, "high": 1}, "x0: bounds nan and 1"),
        ({"low": 0, "high": "much"}, "high: str is not a number"),
        ({"low": 0.2, "high": 0.8, "integers": [0]}, "no integer lies between 0.2 and 0.8"),
        ({"low": 0, "high": 1, "integers": [1]}, "column 1 of 1 features"),
        ({"low": [0, 0], "high": 1, "integers": [1], "categories": [(0, 1)]}, "column 1 is named twice"),
        ({"low": [0, 0], "high": 1, "categories": [(0,)]}, "category '0' has one column"),
        ({"low": 0, "high": math.inf, "mean": -1}, "mean -1 lies outside"),
        ({"low": 0, "high": math.inf, "mean": 0}, "mean 0 lies on its only bound"),
        ({"low": 0, "high": math.inf, "std": 0}, "x0: spread 0"),
        ({"low": 0, "high": [1, 1], "names": ["a"]}, "names has 1"),
    ],
)
def test_bounds_that_cannot_be(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        VectorInputs.from_bounds(**arguments)
    assert "\n" not in str(error.value)


def test_a_network_tells_its_features_by_its_first_layer() -> None:
    norm = nn.BatchNorm1d(3)
    norm.running_mean, norm.running_var = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 9.0, 0.25])
    inputs = VectorInputs.from_network(nn.Sequential(norm, nn.Linear(3, 2)))
    assert inputs.mean == (1.0, 2.0, 3.0) and inputs.std == (2.0, 3.0, 0.5)
    assert set(inputs.low) == {-math.inf} and set(inputs.high) == {math.inf}
    # A normalisation behind a linear layer is none of the inputs.
    inputs = VectorInputs.from_network(nn.Sequential(nn.Linear(5, 3), norm))
    assert inputs.mean == (0.0,) * 5 and inputs.std == (1.0,) * 5
    assert VectorInputs.from_network(nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 2))).size == 4
    assert VectorInputs.from_network(nn.BatchNorm1d(2, track_running_stats=False)).std == (1.0, 1.0)
    with pytest.raises(UserError, match="ReLU has neither BatchNorm1d nor Linear"):
        VectorInputs.from_network(nn.ReLU())


def written(folder: Path, content: object) -> Path:
    """A description file with this content."""
    path = folder / "features.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_file_describes_features(tmp_path: Path) -> None:
    features = [
        {"name": "pt", "low": 20, "high": 500},
        {"name": "charge", "kind": "category", "values": [-1, 0, 1]},
        {"name": "d0", "mean": 0.5, "std": 0.1},
        {"name": "tracks", "kind": "integer", "low": 0, "std": 4},
    ]
    inputs = VectorInputs.from_json(written(tmp_path, {"features": features}))
    assert inputs.names == ("pt", "charge=-1", "charge=0", "charge=1", "d0", "tracks")
    assert inputs.low == (20.0, 0.0, 0.0, 0.0, -math.inf, 0.0)
    assert inputs.high == (500.0, 1.0, 1.0, 1.0, math.inf, math.inf)
    assert list(inputs.groups.values()) == [(1, 2, 3)]
    assert (inputs.mean[4], inputs.std[4], inputs.mean[5], inputs.std[5]) == (0.5, 0.1, 4.0, 4.0)
    assert inputs.kinds[5] == "integer"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a readable JSON"),
        ([1], 'holds no list "features"'),
        ({"features": []}, 'holds no list "features"'),
        ({"features": [{"low": 1}]}, 'feature 0 has no "name"'),
        ({"features": [{"name": "a", "kind": "word"}]}, "a: kind 'word'; choose one of real, integer, category"),
        ({"features": [{"name": "a", "lo": 1}]}, "a: a real feature has no 'lo'; choose among low, high, mean, std"),
        ({"features": [{"name": "a", "low": "1"}]}, "a: low is '1'; give a number"),
        ({"features": [{"name": "a", "low": 3, "high": 1}]}, "a: bounds 3 and 1"),
        ({"features": [{"name": "a", "low": 0, "high": 1, "std": 1}]}, "a: has two bounds, and mean or std alone;"),
        (
            {"features": [{"name": "a", "low": 0, "high": 1, "mean": 0.1, "std": 0.4}]},
            "a: spread 0.4, but no number from 0 to 1 with the mean 0.1 has more than 0.3; give mean and std",
        ),
        ({"features": [{"name": "a", "kind": "category", "values": ["b"]}]}, "a list of two at least"),
        ({"features": [{"name": "a"}, {"name": "a"}]}, "two features are called 'a'"),
    ],
)
def test_a_file_that_says_what_cannot_be(content: object, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, content)
    with pytest.raises(UserError, match=message) as error:
        VectorInputs.from_json(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        VectorInputs.from_json(tmp_path / "nothing.json")


def test_what_is_known_of_a_feature_between_two_bounds_is_kept() -> None:
    inputs = VectorInputs.from_bounds(0.0, 4.0, mean=[math.nan, 1.0, 0.0], std=[math.nan, 0.5, 0.0])
    assert inputs.mean == (2.0, 1.0, 0.0) and inputs.std == pytest.approx((4 / math.sqrt(12), 0.5, 0.0))
    assert inputs.uniform == (True, False, False)
    assert VectorInputs.from_bounds(-math.inf, math.inf).uniform == (False,)
    assert VectorInputs.from_bounds(0.0, 1.0, mean=0.1, std=0.3).std == (0.3,)  # a coin, to rounding


def test_entries_are_numbers_that_a_description_reads_again(tmp_path: Path) -> None:
    low = torch.tensor([11.03, -math.inf, 0.0, 0.0, 0.0, 0.1])  # of 32 bits
    high = torch.tensor([14.83, math.inf, 30.0, 1.0, 1.0, math.inf])
    inputs = VectorInputs.from_bounds(
        low, high, integers=[2], categories=[(3, 4)], mean=[math.nan, 2.5, 4.1, math.nan, math.nan, 0.7],
        std=[math.nan, 0.5, 2.9, math.nan, math.nan, 0.2], names=["alcohol", "d0", "n", "sign=-1", "sign=1", "mass"],
    )  # fmt: skip
    entries = inputs.to_entries()
    assert entries == [
        {"name": "alcohol", "kind": "real", "low": 11.03, "high": 14.83},  # uniform, as without a mean
        {"name": "d0", "kind": "real", "mean": 2.5, "std": 0.5},
        {"name": "n", "kind": "integer", "low": 0.0, "high": 30.0, "mean": 4.1, "std": 2.9},
        {"name": "sign", "kind": "category", "values": ["-1", "1"]},
        {"name": "mass", "kind": "real", "low": 0.1, "mean": 0.7, "std": 0.2},
    ]
    again = VectorInputs.from_json(written(tmp_path, {"output_names": ["a", "b"], "features": entries}))
    assert (again.names, again.kinds, again.uniform) == (inputs.names, inputs.kinds, inputs.uniform)
    for name in ("low", "high", "mean", "std"):
        assert getattr(again, name) == pytest.approx(getattr(inputs, name), rel=1e-6)
    unnamed = VectorInputs.from_bounds(0.0, 1.0, categories=[(0, 2)], names=["a", "b", "c"])
    assert [entry["kind"] for entry in unnamed.to_entries()] == ["category:0", "real", "category:0"]
    together = VectorInputs.from_bounds(0.0, 1.0, categories=[(0, 1)], names=["a", "b", "c"]).to_entries()
    assert together[0] == {"name": "category0", "kind": "category", "values": ["a", "b"]}
