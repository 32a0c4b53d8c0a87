"""Tables of vectors: columns by name, categories in one column or in several, labels."""

from __future__ import annotations

from pathlib import Path

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
