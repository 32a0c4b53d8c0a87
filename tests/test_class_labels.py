"""Labels in every way that files write them, and the classes that they are."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import pytest

from zskt.class_labels import are_numbered, class_positions, match_names
from zskt.errors import UserError


@pytest.mark.parametrize(
    ("values", "classes", "expected"),
    [
        (["b", "a", None, ""], "a b", [1, 0, -1, -1]),
        ([1, 0, -1], "a b", [1, 0, -1]),
        ([1.0, 0.0, float("nan")], "a b", [1, 0, -1]),
        ([b"1", "0"], "a b", [1, 0]),
        ([True, False], "malignant benign", [1, 0]),
        ([2, 0, 1], "2 0 1", [0, 1, 2]),
        ([3, 5, 8], "3 5 8", [0, 1, 2]),
        (["3.0", "8"], "3 5 8", [0, 2]),
        ([-1, 1], "-1 1", [0, 1]),
        ([0.5, 1, 2.0], "0.5 1.0 2.0", [0, 1, 2]),
        ([1, 2, 10], "01 02 10", [0, 1, 2]),
        (["01", "1"], "1 01", [1, 0]),
        ([1, 2], "1 2 3", [0, 1]),
        (["true", "TRUE", "false"], "true false", [0, 0, 1]),
        ([True, False], "true false", [0, 1]),
        ([1, 0], "true false", [0, 1]),
        ([True, False], "1 0", [0, 1]),
        ([datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 1)], "2020-01-01 2020-01-02", [1, 0]),
        (["NA", "EU"], "NA EU AS", [0, 1]),
        (["nan", "inf"], "nan inf x", [0, 1]),
        (["b", "B"], "B b", [1, 0]),
        (["ANKLE boot", "t - Shirt"], "T-shirt Ankle_boot", [1, 0]),
    ],
)
def test_labels_are_names_first_and_numbers_of_classes_where_no_name_fits(
    values: Sequence[Any], classes: str, expected: list[int]
) -> None:
    assert class_positions(values, classes.split(), "table.csv").tolist() == expected


@pytest.mark.parametrize(
    ("values", "classes", "message"),
    [
        ([3], "a b", "x.csv: label 3, but the classes are a, b; give these, or their numbers, 0 to 1"),
        (["c"], "a b", "x.csv: label 'c', but the classes are a, b; give these, or their numbers, 0 to 1"),
        ([0.5], "a b", "label 0.5, but the classes are a, b"),
        ([4], "3 5 8", "x.csv: label 4, but the classes are 3, 5, 8; give these"),
        ([0, 1, 2], "1 2 3", "label 0, but the classes are 1, 2, 3, and other labels are such names (1); give these"),
        (["a", 1], "a b", "label 1, but the classes are a, b, and other labels are such names ('a')"),
        (["a"], "A a_ A_", "label 'a', but the classes are"),
        ([1, 2, 3], "0 1 2", "label 3, but the classes have no names but their numbers, 0 to 2; give these"),
        (["barolo"], "0 1 2", "label 'barolo', but the classes have no names but their numbers, 0 to 2; give these, or "
                              "names to the network: --classes FILE, also in the run that is judged"),
    ],
)  # fmt: skip
def test_what_is_no_class_is_told_with_what_would_be_one(values: Sequence[Any], classes: str, message: str) -> None:
    with pytest.raises(UserError) as raised:
        class_positions(values, classes.split(), "x.csv")
    assert message in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("values", "classes", "line"),
    [
        ([1, 2], "1 2 3", "zskt: A: labels are read as the names of classes: 1 is class '1', not number 1, '2'\n"),
        ([3, 5], "3 5 8", ""),
        ([1, 2, 1, 2, 2] * 3, "a b c", "zskt: B: no sample has label 0, and all of 1 to 2 occur: labels begin at 0; "
                                       "where these begin at 1, subtract 1\n"),
        ([1, 2, 1, 2, 2] * 3, "0 1 2", "zskt: C: no sample has label 0, and all of 1 to 2 occur: labels begin at 0; "
                                       "where these begin at 1, subtract 1\n"),
        ([1, 2], "a b c", ""),
        ([2] * 30, "a b c", ""),
        (["b", "c"] * 15, "a b c", ""),
        ([1, -1], "a b", "zskt: F: label -1 stands for none, and no sample has label 0; where -1 is a class, write "
                         "0\n"),
        ([1, 0, -1], "a b", ""),
    ],
)  # fmt: skip
def test_doubtful_numbers_are_told_once_a_file(
    values: Sequence[Any], classes: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = line.partition("zskt: ")[2].partition(":")[0] or "D"
    for _ in range(2):
        class_positions(values, classes.split(), where)
    assert capsys.readouterr().err == line


def test_a_network_without_classes_has_no_labels() -> None:
    assert class_positions([3.5, "a"], (), "x.csv").tolist() == [-1, -1]


def test_numbers_of_any_size_are_compared() -> None:
    assert match_names(["1e999", "9" * 30, "1e99999999"], ["9" * 30, "1"]) == {"9" * 30: 0}
    assert are_numbered(("0", "1")) and not are_numbered(("1", "0"))
