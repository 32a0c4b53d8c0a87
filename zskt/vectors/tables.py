"""Tables of vectors: CSV or parquet with a column for each feature, and one of labels.

Shapes: B rows, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zskt.dataset import UNLABELLED, Labelled
from zskt.errors import UserError
from zskt.vectors.inputs import VectorInputs

LABELS = "label"
"""Column of the labels: numbers of classes, or their names."""


def read_table(path: Path, inputs: VectorInputs, classes: Sequence[str]) -> Labelled:
    """Read vectors (B, F) and their labels (B,); a table without a column ``label`` has none.

    Args:
        path: CSV with a line of names, or parquet.
        inputs: names of the columns; others are left out.
        classes: names of the classes.

    Raises:
        UserError: if the file cannot be read, lacks a feature, or holds what is no number or no class.
    """
    table = _open(path)
    missing = [name for name in inputs.names if name not in table.column_names]
    if missing:
        raise UserError(f"--data {path}: has no column {missing[0]} ({len(missing)} are missing); give one a feature")
    if not table.num_rows:
        raise UserError(f"--data {path}: holds no rows; give a table that does")
    x = torch.stack([_column(path, table, name) for name in inputs.names], 1)
    labels = torch.full((len(x),), UNLABELLED)
    if LABELS in table.column_names:
        labels = _labels(path, table[LABELS].to_pylist(), classes)
    return Labelled(x, labels)


def _open(path: Path) -> Any:
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet  # takes a second to import

            table = pyarrow.parquet.read_table(path)
        else:
            import pyarrow.csv

            table = pyarrow.csv.read_csv(path)
        _ = table.column_names  # decoded when they are asked for
        return table
    except Exception as error:  # pyarrow raises whatever the broken bytes lead to
        first = " ".join(str(error).split())[:120]
        raise UserError(f"--data {path}: not a readable table ({first}); give CSV with names, or parquet") from error


def _column(path: Path, table: Any, name: str) -> Tensor:
    try:
        numbers = np.asarray(table[name].to_pylist(), dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise UserError(f"--data {path}: column {name} holds what is no number; give numbers") from error
    if not np.isfinite(numbers).all():
        raise UserError(f"--data {path}: column {name} has empty or infinite entries; leave these rows out")
    return torch.from_numpy(numbers)


def _labels(path: Path, values: Sequence[Any], classes: Sequence[str]) -> Tensor:
    numbers = {name: i for i, name in enumerate(classes)} | {i: i for i in range(len(classes))}
    strange = next((v for v in values if v is not None and v not in numbers), None)
    if strange is not None:
        raise UserError(
            f"--data {path}: label {strange!r}, but the classes are {', '.join(classes)}; give these, or their numbers"
        )
    return torch.tensor([UNLABELLED if v is None else numbers[v] for v in values])
