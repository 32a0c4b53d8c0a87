"""Description files of vectors: JSON or YAML that names the features of a network, for users.

    {"features": [
        {"name": "pt", "low": 20, "high": 500},
        {"name": "d0", "mean": 0, "std": 0.1},
        {"name": "n_tracks", "kind": "integer", "low": 0, "high": 30, "mean": 4.1, "std": 2.9},
        {"name": "charge", "kind": "category", "values": ["minus", "zero", "plus"]}
    ]}

Features stand in the order of the network's columns. A feature is "real" unless ``kind`` says otherwise. A bound that
is missing is infinite. ``mean`` and ``std`` are those of the feature as the network takes it: by default 0 and 1, and
between two bounds those of a uniform number. A category takes a column for each of its values, which hold 0 and one 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zskt.errors import UserError
from zskt.storage.documents import read_document

FIELDS = {
    "real": ("low", "high", "mean", "std"),
    "integer": ("low", "high", "mean", "std"),
    "category": ("values",),
}
"""What an entry may say beside ``name`` and ``kind``, by kind."""


@dataclass(frozen=True)
class Feature:
    """An entry of a description file."""

    name: str
    integer: bool = False
    low: float = -math.inf
    high: float = math.inf
    mean: float = math.nan
    """nan where the file does not say."""
    std: float = math.nan
    values: tuple[str, ...] = ()
    """Values of a category; empty for other kinds."""


LABELS = "label"
"""Column of the labels in a table, numbers of classes or their names: no feature is called so."""


def read_features(path: Path) -> list[Feature]:
    """Read the features of a description file.

    Raises:
        UserError: if the file cannot be read, or an entry is not as described above.
    """
    content = _content(path)
    entries = content.get("features") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise UserError(f'{path}: holds no list "features"; give {{"features": [{{"name": ..., "low": ..., ...}}]}}')
    try:
        features = [_feature(i, entry) for i, entry in enumerate(entries)]
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    names = [feature.name for feature in features]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise UserError(f"{path}: two features are called {repeated!r}; give each a name of its own")
    return features


def without_moments(features: Sequence[Feature]) -> tuple[bool, ...]:
    """Tell of which columns a description says neither mean nor spread; a category has one for each value."""
    return tuple(
        math.isnan(feature.mean) and math.isnan(feature.std) for feature in features for _ in feature.values or ("",)
    )


def category_entry(name: str, columns: Sequence[str]) -> dict[str, Any]:
    """Return the entry of a category from the names of its columns, "NAME=VALUE" as a description makes them.

    Args:
        name: what to call it where they are called otherwise.
    """
    names = {column.partition("=")[0] for column in columns if "=" in column}
    if len(names) == 1 and all("=" in column for column in columns):
        return {"name": names.pop(), "kind": "category", "values": [column.partition("=")[2] for column in columns]}
    return {"name": name, "kind": "category", "values": list(columns)}


def shortest(number: float) -> float:
    """Return a number of 32 bits as the shortest one that rounds to it, 11.03 for 11.029999732971191."""
    single = np.float32(number)
    return float(str(single)) if float(single) == number else number


def _content(path: Path) -> Any:
    """Read a JSON file, or a YAML file that is called so.

    Raises:
        UserError: if it cannot be read, or is none.
    """
    kind = "YAML" if path.suffix in (".yaml", ".yml") else "JSON"
    return read_document(path, kind, "give a file of features as JSON or YAML")


def _feature(number: int, entry: Any) -> Feature:
    """Check an entry, and read it."""
    if isinstance(entry, dict) and entry.get("name") is not None and not isinstance(entry["name"], str):
        raise UserError(
            f"feature {number}: its name is {entry['name']!r}, which is no text; write it between quotes (YAML "
            "reads no, yes, on and off as false and true)"
        )
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise UserError(f'feature {number} has no "name"; give {{"name": ..., "low": ..., "high": ...}}')
    if entry["name"] == LABELS:
        raise UserError(
            f"feature {number}: is called {LABELS}, as the column of the true classes is; call it otherwise, here and "
            "in the tables"
        )
    name, kind = entry["name"], entry.get("kind", "real")
    if not isinstance(kind, str) or kind not in FIELDS:
        raise UserError(f"{name}: kind {kind!r}; choose one of {', '.join(FIELDS)}")
    strange = next((field for field in entry if field not in ("name", "kind", *FIELDS[kind])), None)
    if strange is not None:
        raise UserError(f"{name}: a {kind} feature has no {strange!r}; choose among {', '.join(FIELDS[kind])}")
    if kind == "category":
        values = entry.get("values")
        if not isinstance(values, list) or len(values) < 2:
            raise UserError(f'{name}: give a category\'s "values", a list of two at least')
        return Feature(name, values=tuple(map(str, values)))
    numbers = {field: entry[field] for field in FIELDS[kind] if entry.get(field) is not None}
    for field, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UserError(f"{name}: {field} is {value!r}; give a number")
    low, high = float(numbers.get("low", -math.inf)), float(numbers.get("high", math.inf))
    if math.isfinite(low) and math.isfinite(high) and len({"mean", "std"} & numbers.keys()) == 1:
        raise UserError(f"{name}: has two bounds, and mean or std alone; give both, or neither")
    mean, std = float(numbers.get("mean", math.nan)), float(numbers.get("std", math.nan))
    return Feature(name, kind == "integer", low, high, mean, std)
