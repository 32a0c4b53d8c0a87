"""Tables of vectors: CSV or parquet with a column for each feature, and one of labels.

Shapes: B rows, F features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zskt.dataset import UNLABELLED, Labelled
from zskt.errors import UserError
from zskt.vectors.described import note_other_rows, require_one_value
from zskt.vectors.inputs import VectorInputs

LABELS = "label"
"""Column of the labels: numbers of classes, or their names."""


def read_table(path: Path, inputs: VectorInputs, classes: Sequence[str]) -> Labelled:
    """Read vectors (B, F) and their labels (B,); a table without a column ``label`` has none.

    Args:
        path: CSV with a line of names, or parquet.
        inputs: names of the columns; others are left out. A category is one column of its values, or a column of 0 and
            1 for each value, ``charge=plus``.
        classes: names of the classes.

    Raises:
        UserError: if the file cannot be read, lacks a feature, or holds what is no number, no class, or no one value
            of a category.
    """
    table = _open(path, (*inputs.names, *{name.rpartition("=")[0] for name in inputs.names}, LABELS))
    categories = _categories(inputs, table.column_names)
    spread = {name for values in categories.values() for name in values.values()}
    missing = [name for name in inputs.names if name not in table.column_names and name not in spread]
    if missing:
        found = ", ".join(table.column_names)
        raise UserError(f"--data {path}: has no column {missing[0]}, but {found[:120]}; give one for each feature"
                        + ", with commas between them" * (len(table.column_names) == 1))  # fmt: skip
    if not table.num_rows:
        raise UserError(f"--data {path}: holds no rows; give a table that does")
    columns = {name: _column(path, table, name) for name in inputs.names if name not in spread}
    for category, values in categories.items():
        columns |= _one_hot(path, table, category, values)
    x = torch.stack([columns[name] for name in inputs.names], 1)
    require_one_value(x, inputs, path)
    note_other_rows(x, inputs, path)
    labels = torch.full((len(x),), UNLABELLED)
    if LABELS in table.column_names:
        labels = _labels(path, table[LABELS].to_pylist(), classes)
    return Labelled(x, labels)


def _open(path: Path, used: Sequence[str]) -> Any:
    """Open a table, its names without spaces about them.

    Args:
        used: names of columns that may be read; of others there may be two.
    """
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet  # takes a second to import

            table = pyarrow.parquet.read_table(path)
        else:
            import pyarrow.csv

            table = pyarrow.csv.read_csv(path)
        # Names are decoded when they are asked for.
        names = [name if name in used else name.strip() for name in table.column_names]
    except Exception as error:  # pyarrow raises whatever the broken bytes lead to
        first = " ".join(str(error).split())[:120]
        raise UserError(f"--data {path}: not a readable table ({first}); give CSV with names, or parquet") from error
    twice = next((name for name in used if name and names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"--data {path}: has two columns {twice}; rename one")
    return table.rename_columns(names)


def _column(path: Path, table: Any, name: str) -> Tensor:
    try:
        with np.errstate(over="ignore"):  # too large for 32 bits is infinite, and refused as such
            numbers = np.asarray(table[name].to_pylist(), dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise UserError(f"--data {path}: column {name} holds what is no number; give numbers") from error
    if not np.isfinite(numbers).all():
        raise UserError(f"--data {path}: column {name} has empty or infinite entries; leave these rows out")
    return torch.from_numpy(numbers)


def _categories(inputs: VectorInputs, columns: Sequence[str]) -> dict[str, dict[str, str]]:
    """Find the columns of a table that hold values of a category, and not a number for each: its value -> feature."""
    found: dict[str, dict[str, str]] = {}
    for rows in inputs.groups.values():
        names = [inputs.names[row] for row in rows]
        (category, *others) = {name.rpartition("=")[0] for name in names}
        if category and not others and category in columns and not set(names) & set(columns):
            found[category] = {name.rpartition("=")[2]: name for name in names}
    return found


def _one_hot(path: Path, table: Any, category: str, names: Mapping[str, str]) -> dict[str, Tensor]:
    """Read a column of values as a number for each of them, 1 where a row has it: (B,) each."""
    found = table[category].to_pylist()
    if None in found:
        raise UserError(f"--data {path}: column {category} has empty entries; leave these rows out")
    values = [str(int(v)) if isinstance(v, float) and v.is_integer() else str(v) for v in found]
    strange = next((value for value in values if value not in names), None)
    if strange is not None:
        raise UserError(f"--data {path}: column {category} holds {strange!r}; give {', '.join(names)}")
    return {name: torch.tensor([float(v == value) for v in values]) for value, name in names.items()}


def _labels(path: Path, values: Sequence[Any], classes: Sequence[str]) -> Tensor:
    numbers = {name: i for i, name in enumerate(classes)} | {i: i for i in range(len(classes))}
    strange = next((v for v in values if v is not None and v not in numbers), None)
    if strange is not None:
        raise UserError(
            f"--data {path}: label {strange!r}, but the classes are {', '.join(classes)}; give these, or their numbers"
        )
    return torch.tensor([UNLABELLED if v is None else numbers[v] for v in values])
