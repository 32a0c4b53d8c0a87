"""Tables of vectors: CSV or parquet with a column for each feature, and one of labels.

Shapes: B rows, F features.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zskt.class_labels import class_positions, match_names
from zskt.dataset import UNLABELLED, Labelled
from zskt.errors import UserError
from zskt.terminal import note, note_once
from zskt.vectors.described import note_other_rows, require_one_value
from zskt.vectors.description import LABELS
from zskt.vectors.inputs import VectorInputs

SIMILAR = {"label", "labels", "target", "targets", "class", "y"}
"""Names, in small letters, of what may be a column of labels that is called otherwise."""
PACKED = {".gz", ".bz2", ".zst", ".lz4"}
"""Endings of packed text, which pyarrow unpacks."""
MOST_LOST = 0.01
"""Share of a column's spread by which rounding to 32 bits may change a number without a word."""
HEAD_BYTES = 1024
"""Bytes of a file in which it is seen what parts its columns."""


def read_table(path: Path, inputs: VectorInputs, classes: Sequence[str]) -> Labelled:
    """Read vectors (B, F) and their labels (B,); a table without a column ``label`` has none.

    Args:
        path: CSV with a line of names, or parquet.
        inputs: names of the columns; others are left out. A category is one column of its values, or a column of 0 and
            1 for each value, ``charge=plus``.
        classes: names of the classes.

    Raises:
        UserError: if the file cannot be read, lacks a feature, or holds what is no number, no class (see
            `zskt.class_labels`), or no one value of a category.
    """
    in_words = {*(name.rpartition("=")[0] for name in inputs.names), LABELS} - set(inputs.names)
    table = _open(path, (*inputs.names, *in_words), in_words)
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
        labels = class_positions(table[LABELS].to_pylist(), classes, f"--data {path}")
    else:
        _note_similar(
            path, [name for name in table.column_names if name not in inputs.names and name not in categories]
        )
    return Labelled(x, labels)


def _open(path: Path, used: Sequence[str], in_words: Collection[str]) -> Any:
    """Open a table, its names without spaces about them.

    Args:
        used: names of columns that may be read; of others there may be two.
        in_words: names of columns whose entries stay the text that they are: 01 is not 1 to everybody.
    """
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet  # takes a second to import

            table = pyarrow.parquet.read_table(path)
        else:
            import pyarrow.csv

            _require_text(path)
            with pyarrow.csv.open_csv(path) as start:
                words = {name: pyarrow.string() for name in start.schema.names if name.strip() in in_words}
            table = pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(column_types=words))
        # Names are decoded when they are asked for.
        names = [name if name in used else name.strip() for name in table.column_names]
    except UserError:
        raise
    except Exception as error:  # pyarrow raises whatever the broken bytes lead to
        first = " ".join(str(error).split())[:120]
        raise UserError(f"--data {path}: not a readable table ({first}); give CSV with names, or parquet") from error
    twice = next((name for name in used if name and names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"--data {path}: has two columns {twice}; rename one")
    return table.rename_columns(names)


def _require_text(path: Path) -> None:
    """Raise `UserError` if a file holds arrays, pages or other bytes, or its columns are not parted by commas."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if path.suffix in PACKED:
        return
    if b"\0" in head:
        raise UserError(f"--data {path}: is no text; give a table as CSV with a line of names, or as .parquet")
    names = head.decode("utf-8", "replace").partition("\n")[0]
    other = next((mark for mark in (";", "\t") if names.count(mark) > names.count(",")), None)
    if other is not None and "," in head.decode("utf-8", "replace"):
        mark = {";": "semicolons", "\t": "tabulators"}[other]
        raise UserError(
            f"--data {path}: has {mark} between its columns; write commas there, and points in numbers (0.5)"
        )


def _note_similar(path: Path, others: Sequence[str]) -> None:
    """Say which of the columns that are no features may be the labels of a table that has no column of that name."""
    similar = [name for name in others if name.strip().casefold() in SIMILAR]
    if similar:
        note(f"zskt: --data {path}: has no column {LABELS}, but {similar[0]}: rename it to judge accuracy")


def _column(path: Path, table: Any, name: str) -> Tensor:
    try:
        with np.errstate(over="ignore"):  # too large for 32 bits is infinite, and refused as such
            exact = np.asarray(table[name].to_pylist(), dtype=np.float64)
            numbers = exact.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise UserError(f"--data {path}: column {name} holds what is no number; give numbers") from error
    if not np.isfinite(numbers).all():
        raise UserError(f"--data {path}: column {name} has empty or infinite entries; leave these rows out")
    spread, lost = exact.std(), np.abs(exact - numbers).max(initial=0.0)
    if lost > MOST_LOST * spread:
        note_once(
            f"zskt: --data {path}: column {name} is rounded by {lost:.2g}, as numbers of 32 bits are, and its spread "
            f"is {spread:.2g}: the network is not seen as it is; let it take the column less a constant"
        )
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
    if None in found or "" in found:
        raise UserError(f"--data {path}: column {category} has empty entries; leave these rows out")
    values = [str(value) for value in found]
    positions = match_names(set(values), list(names))
    strange = next((value for value in values if value not in positions), None)
    if strange is not None:
        raise UserError(f"--data {path}: column {category} holds {strange!r}; give {', '.join(names)}")
    return {name: torch.tensor([float(positions[v] == k) for v in values]) for k, name in enumerate(names.values())}
