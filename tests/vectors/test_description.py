"""Description files of vectors."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from zskt.errors import UserError
from zskt.vectors.description import read_features, without_moments


def write(folder: Path, *features: Any) -> Path:
    """A description file."""
    path = folder / "features.json"
    path.write_text(json.dumps({"features": features}))
    return path


def test_features_of_all_kinds_are_read_in_their_order(tmp_path: Path) -> None:
    entries = [
        {"name": "pt", "low": 20, "high": 500},
        {"name": "d0", "mean": 0, "std": 0.1},
        {"name": "n", "kind": "integer", "low": 0, "high": None},
        {"name": "charge", "kind": "category", "values": [-1, 0, "plus"]},
        {"name": "open", "low": -math.inf, "high": math.inf, "mean": 3},
    ]
    assert without_moments(read_features(write(tmp_path, *entries))) == (True, False, True, True, True, True, False)
    del entries[-1]
    pt, d0, n, charge = read_features(write(tmp_path, *entries))
    assert [f.name for f in (pt, d0, n, charge)] == ["pt", "d0", "n", "charge"]
    assert (pt.low, pt.high, pt.integer) == (20, 500, False) and math.isnan(pt.mean) and math.isnan(pt.std)
    assert (d0.low, d0.high, d0.mean, d0.std) == (-math.inf, math.inf, 0, 0.1)
    assert n.integer and (n.low, n.high) == (0, math.inf)
    assert charge.values == ("-1", "0", "plus") and not pt.values


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"low": 1}, 'feature 0 has no "name"'),
        ("pt", 'feature 0 has no "name"'),
        ({"name": "a", "kind": "complex"}, "a: kind 'complex'; choose one of real, integer, category"),
        ({"name": "a", "lowest": 1}, "a: a real feature has no 'lowest'; choose among low, high, mean, std"),
        ({"name": "a", "kind": "category", "values": ["one"]}, "a list of two at least"),
        ({"name": "a", "low": "1"}, "a: low is '1'; give a number"),
        ({"name": "a", "low": 0, "high": 1, "std": 1}, "a: has two bounds, and mean or std alone; give both, or"),
        ({"name": "a", "low": True}, "a: low is True; give a number"),
    ],
)
def test_an_entry_that_cannot_be_so_is_told(tmp_path: Path, entry: Any, message: str) -> None:
    path = write(tmp_path, entry)
    with pytest.raises(UserError) as error:
        read_features(path)
    assert str(error.value).startswith(f"{path}: ") and message in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not a readable JSON file"),
        (b"\xff\xfe\xfa", "not a readable JSON file"),
        (b"[]", 'holds no list "features"'),
        (b'{"features": []}', 'holds no list "features"'),
        (b'{"features": [{"name": "a"}, {"name": "a"}]}', "two features are called 'a'"),
        (b'{"features": [{"name": "a"}, {"name": 0}]}', "feature 1: its name is 0, which is no text; write it between"),
        (b'{"features": [{"name": false}]}', "feature 0: its name is False, which is no text"),
        (b'{"features": [{"name": "label"}]}', "feature 0: is called label, as the column of the true classes is"),
    ],
)
def test_a_file_that_is_no_description_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "features.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_features(path)
    with pytest.raises(UserError, match=r"gone.json: no such file"):
        read_features(tmp_path / "gone.json")
