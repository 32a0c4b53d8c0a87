"""Columns of parquet: decimals and nulls become numbers, text is told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import awkward as ak
import pyarrow as pa
import pytest

from zskt.errors import UserError
from zskt.jets.parquet_columns import as_numbers


def numbers(column: pa.Array, name: str = "part_px") -> list[object]:
    read: list[object] = ak.from_arrow(as_numbers(pa.table({name: column}), Path("jets.parquet")))[name].to_list()
    return read


def test_lists_of_any_kind_become_lists_of_numbers() -> None:
    assert numbers(pa.array([[1.5, 2.0], [], [3.0]])) == [[1.5, 2.0], [], [3.0]]
    assert numbers(pa.array([[1, 2], [3, 4]], pa.list_(pa.int16(), 2))) == [[1, 2], [3, 4]]
    assert numbers(pa.array([[1.0], [2.0, 3.0]])[1:]) == [[2.0, 3.0]]  # a slice, whose numbers begin later


def test_decimals_become_numbers() -> None:
    assert numbers(pa.array([[Decimal("1.25")], [Decimal("-2.50")]])) == [[1.25], [-2.5]]
    assert numbers(pa.array([Decimal("500.125")]), "jet_pt") == [500.125]


def test_what_is_null_is_nan_in_a_jet_no_particle_and_no_label() -> None:
    read = numbers(pa.array([[1.0, None], None, [2.0]]))
    assert str(read) == "[[1.0, nan], [], [2.0]]"
    assert numbers(pa.array([True, None, False]), "label_QCD") == [True, False, False]


@pytest.mark.parametrize("column", [pa.array([["a"]]), pa.array(["a"]), pa.array([[{"x": 1}]]), pa.array([[b"x"]])])
def test_what_is_no_number_is_told(column: pa.Array) -> None:
    with pytest.raises(UserError, match=r"jets.parquet: column part_px holds .*, but numbers are needed") as error:
        numbers(column)
    assert "\n" not in str(error.value)
