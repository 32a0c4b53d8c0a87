"""Tables of vectors: columns by name, categories in one column or in several, labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
import torch

from zskt.errors import UserError
from zskt.vectors.inputs import VectorInputs
from zskt.vectors.tables import read_table

DESCRIPTION = """
features:
  - {name: pt, low: 20, high: 500}
  - {name: charge, kind: category, values: [minus, zero, plus]}
  - {name: layer, kind: category, values: [1, 2]}
"""
EXPECTED = [[30.0, 0.0, 0.0, 1.0, 1.0, 0.0], [40.0, 1.0, 0.0, 0.0, 0.0, 1.0]]


@pytest.fixture
def inputs(tmp_path: Path) -> VectorInputs:
    path = tmp_path / "features.yaml"
    path.write_text(DESCRIPTION)
    return VectorInputs.from_json(path)


@pytest.mark.parametrize(
    "text",
    [
        "pt,charge,layer,label\n30,plus,1,b\n40,minus,2,a\n",
        "label,layer,note,charge,pt\nb,1.0,?,plus,30\na,2.0,?,minus,40\n",
        "pt,charge=minus,charge=zero,charge=plus,layer,label\n30,0,0,1,1,1\n40,1,0,0,2,0\n",
    ],
    ids=["values", "another-order", "numbers-and-values"],
)
def test_categories_are_one_column_or_several(tmp_path: Path, inputs: VectorInputs, text: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    table = read_table(path, inputs, ("a", "b"))
    assert torch.equal(table.samples, torch.tensor(EXPECTED))
    assert table.labels.tolist() == [1, 0]


def test_parquet_may_hold_values_from_a_dictionary(tmp_path: Path, inputs: VectorInputs) -> None:
    charge = pyarrow.array(["plus", "minus"]).dictionary_encode()
    path = tmp_path / "table.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"pt": [30.0, 40.0], "charge": charge, "layer": [1, 2]}), path)
    table = read_table(path, inputs, ("a", "b"))
    assert torch.equal(table.samples, torch.tensor(EXPECTED))
    assert table.labels.tolist() == [-1, -1]


def test_columns_that_nobody_reads_may_be_two_and_names_have_spaces_about_them(
    tmp_path: Path, inputs: VectorInputs
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("pt, charge ,layer,note,note,,\n30,plus,1,a,b,,\n40,minus,2,a,b,,\n")
    assert torch.equal(read_table(path, inputs, ("a", "b")).samples[:, 0], torch.tensor([30.0, 40.0]))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pt,charge,layer\n30,plus,3\n", "column layer holds '3'; give 1, 2"),
        ("pt,charge,layer\n30,,1\n", "column charge has empty entries; leave these rows out"),
        ("pt,layer\n30,1\n", "has no column charge=minus, but pt, layer; give one for each feature"),
        (
            "pt,charge=minus,charge,layer\n30,1,minus,1\n",
            "has no column charge=zero, but pt, charge=minus, charge, layer;",
        ),
        (
            "pt;charge;layer\n30;plus;1\n",
            "has no column pt, but pt;charge;layer; give one for each feature, with commas",
        ),
        ("pt,charge,layer,pt\n30,plus,1,2\n", "has two columns pt; rename one"),
        ("pt,charge,layer\n1e300,plus,1\n", "column pt has empty or infinite entries"),
        ("pt,charge,layer\nmany,plus,1\n", "column pt holds what is no number"),
        (
            "pt,charge=minus,charge=zero,charge=plus,layer\n30,0,0,1,1\n40,1,1,0,2\n",
            "1 of 2 rows have not one value of a category; row 1, counted from 0, has 1, 1, 0 for charge=minus,",
        ),
        ("pt,charge=minus,charge=zero,charge=plus,layer\n30,0,0,0,1\n", "has 0, 0, 0 for charge=minus, charge=zero,"),
        ("pt,charge=minus,charge=zero,charge=plus,layer\n30,0,0.5,0.5,1\n", "has 0, 0.5, 0.5 for charge=minus,"),
    ],
    ids=["unknown", "empty", "absent", "some", "semicolons", "twice", "large", "text", "two", "none", "shares"],
)
def test_what_is_no_value_or_no_column_is_named(tmp_path: Path, inputs: VectorInputs, text: str, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(UserError) as raised:
        read_table(path, inputs, ("a", "b"))
    assert message in str(raised.value)


def test_rows_beyond_bounds_or_between_integers_are_used_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = VectorInputs.from_bounds([0.1, 0.0], [0.7, 3.0], integers=[1], names=["share", "tracks"])
    path = tmp_path / "table.csv"
    path.write_text("share,tracks\n0.1,0\n0.7,3\n")
    read_table(path, inputs, ("a", "b"))
    assert capsys.readouterr().err == ""  # on a bound, rounded to 32 bits, is not beyond it
    path.write_text("share,tracks\n0.05,1\n0.3,1.5\n0.9,4\n0.5,2\n")
    table = read_table(path, inputs, ("a", "b"))
    assert table.samples[:, 1].tolist() == [1.0, 1.5, 4.0, 2.0]
    assert capsys.readouterr().err == (
        f"zskt: --data {path}: 3 of 4 rows are not as the features are described: share beyond 0.1 to 0.7 (2), "
        "tracks beyond 0 to 3 (1), tracks no integer (1); they are used, but no pseudo-sample is like them: correct "
        "the table, or the description\n"
    )


@pytest.mark.parametrize(
    ("classes", "labels", "expected"),
    [
        (("true", "false"), ("true", "false"), [0, 1]),
        (("2", "0", "1"), ("0", "2"), [1, 0]),
        (("01", "02", "10"), ("10", "01"), [2, 0]),
        (("2020-01-01", "2020-01-02"), ("2020-01-02", "2020-01-01"), [1, 0]),
        (("a", "b"), ("1", ""), [1, -1]),
        (("a", "b"), ("-1", "0.0"), [-1, 0]),
    ],
)
@pytest.mark.parametrize("name", ["label", " label "])
def test_labels_in_text_are_the_words_that_the_file_has(
    tmp_path: Path, name: str, classes: tuple[str, ...], labels: tuple[str, ...], expected: list[int]
) -> None:
    inputs = VectorInputs.from_bounds([0.0], [9.0], names=["a"])
    path = tmp_path / "table.csv"
    path.write_text(f"a,{name}\n" + "".join(f"1,{label}\n" for label in labels))
    assert read_table(path, inputs, classes).labels.tolist() == expected


@pytest.mark.parametrize(
    ("classes", "labels"), [(("true", "false"), [False, True]), (("2", "0", "1"), [0, 2]), (("0.5", "1.0"), [1.0, 0.5])]
)
def test_labels_in_parquet_are_names_by_their_value(
    tmp_path: Path, classes: tuple[str, ...], labels: list[Any]
) -> None:
    inputs = VectorInputs.from_bounds([0.0], [9.0], names=["a"])
    path = tmp_path / "table.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": [1.0, 2.0], "label": labels}), path)
    assert read_table(path, inputs, classes).labels.tolist() == [1, 0]


def test_values_of_categories_may_look_like_truth_or_have_zeros_in_front(tmp_path: Path) -> None:
    path = tmp_path / "features.yaml"
    path.write_text("features:\n  - {name: a, kind: category, values: ['true', 'false']}\n"
                    "  - {name: b, kind: category, values: ['01', '02']}\n")  # fmt: skip
    table = tmp_path / "table.csv"
    table.write_text("a,b\ntrue,02\nFalse,01\n")
    samples = read_table(table, VectorInputs.from_json(path), ("x", "y")).samples
    assert samples.tolist() == [[1, 0, 0, 1], [0, 1, 1, 0]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["Label", "target", "class", "y"])
def test_a_column_that_may_be_the_labels_is_told(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = VectorInputs.from_bounds([0.0], [9.0], names=["a"])
    path = tmp_path / "table.csv"
    path.write_text(f"a,{name}\n1,0\n")
    assert read_table(path, inputs, ("x", "y")).labels.tolist() == [-1]
    assert capsys.readouterr().err == (
        f"zskt: --data {path}: has no column label, but {name}: rename it to judge accuracy\n"
    )
    path.write_text(f"a,{name},label\n1,0,1\n")
    assert read_table(path, inputs, ("x", "y")).labels.tolist() == [1]
    assert capsys.readouterr().err == ""
    if name == "y":  # a feature is no label
        path.write_text("a,y\n1,0\n")
        read_table(path, VectorInputs.from_bounds([0.0] * 2, [9.0] * 2, names=["a", "y"]), ("x", "y"))
        assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a;b;label\n0,5;1,5;0\n", "has semicolons between its columns; write commas there, and points in numbers"),
        (b"a\tb\tlabel\n0,5\t1,5\t0\n", "has tabulators between its columns; write commas there"),
        (b"\x93NUMPY\x01\x00v\x00", "is no text; give a table as CSV with a line of names, or as .parquet"),
        (b"PK\x03\x04\x14\x00\xcaA,\n", "is no text; give a table as CSV"),
    ],
)
def test_other_tables_and_arrays_are_told_in_a_clean_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "table.npz"
    path.write_bytes(content)
    with pytest.raises(UserError) as raised:
        read_table(path, VectorInputs.from_bounds([0.0] * 2, [9.0] * 2, names=["a", "b"]), ("x", "y"))
    assert message in str(raised.value) and str(raised.value).isprintable()


def test_a_column_that_32_bits_cannot_resolve_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, plain = tmp_path / "times.csv", VectorInputs.from_bounds(low=[0.0, 0.0], high=[2e9, 1.0], names=["time", "x"])
    file.write_text("time,x\n" + "".join(f"{1_700_000_000 + 100 * i},{i / 9}\n" for i in range(10)))
    read_table(file, plain, ("a", "b"))
    said = capsys.readouterr().err
    assert "column time is rounded by 60, as numbers of 32 bits are, and its spread is 2.9e+02" in said
    assert "column x" not in said
