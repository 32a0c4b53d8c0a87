"""Turn the columns of a parquet file of jets into numbers, where that is exact; say which column holds none.

Decimals become numbers of 64 bits. What is null becomes NaN, so that the rule of `zskt.jets.possible` leaves its jet
out; a list that is null has no particles; a label that is null is none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zskt.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa


def as_numbers(table: pa.Table, path: Path) -> pa.Table:
    """Return the table with columns of numbers, or of lists of numbers, and nothing null.

    Raises:
        UserError: if a column holds text, times or tables.
    """
    import pyarrow as pa

    fields, columns = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        chunk = column.combine_chunks()
        chunk = chunk if isinstance(chunk, pa.Array) else pa.concat_arrays(chunk.chunks)
        columns.append(_column(name, chunk, path))
        fields.append(pa.field(name, columns[-1].type, nullable=False))
    return pa.table(columns, schema=pa.schema(fields))


def _column(name: str, column: Any, path: Path) -> Any:
    import pyarrow as pa

    kinds = pa.types
    if kinds.is_fixed_size_list(column.type):
        column = column.cast(pa.list_(column.type.value_type))
    if not (kinds.is_list(column.type) or kinds.is_large_list(column.type)):
        return _numbers(name, column, path, is_label=not name.startswith(("part_", "jet_")))
    if column.null_count:
        column = column.fill_null([])
    values = _numbers(name, column.flatten(), path)
    ends = np.cumsum(column.value_lengths().to_numpy(zero_copy_only=False), dtype=np.int64)
    kind = pa.large_list(pa.field("item", values.type, nullable=False))
    return pa.LargeListArray.from_arrays(pa.array(np.concatenate([[0], ends])), values, type=kind)


def _numbers(name: str, column: Any, path: Path, *, is_label: bool = False) -> Any:
    """Return an array of numbers without nulls."""
    import pyarrow as pa

    kind = column.type
    known = (pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal, pa.types.is_boolean, pa.types.is_null)
    if not any(test(kind) for test in known):
        raise UserError(f"{path}: column {name} holds {kind}, but numbers are needed; convert it")
    if pa.types.is_decimal(kind) or pa.types.is_null(kind):
        column = column.cast(pa.float64())
    if not column.null_count:
        return column
    if is_label:
        return column.fill_null(pa.scalar(0).cast(column.type))
    return column.cast(pa.float64()).fill_null(float("nan"))
