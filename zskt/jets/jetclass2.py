"""JetClass-II parquet files (C. Li et al., arXiv:2405.12972; jet-universe/sophon): constituents as in JetClass.

Its 188 classes are of resonances of any mass, none of them a class of the ten of JetClass: the jets are read as
unlabelled, for agreement and divergence alone.
"""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import pyarrow.parquet as pq
from pyarrow import ArrowException

from zskt.errors import UserError


def read(path: Path, wanted: list[str], most: int | None) -> ak.Array:
    """The wanted columns.

    Raises:
        UserError: if the file cannot be read or lacks a column.
    """
    try:
        file = pq.ParquetFile(path)
        missing = [name for name in wanted if name not in file.schema_arrow.names]
        if missing:
            raise UserError(f"{path}: no column {', '.join(missing)}; give a JetClass-II parquet file")
        table = file.read(columns=wanted)
    except (ArrowException, OSError) as error:
        first = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: not a readable parquet file ({first}); fetch it again") from error
    return ak.from_arrow(table if most is None else table.slice(0, most))
