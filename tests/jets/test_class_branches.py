"""Which branches are of classes, and the class of each jet."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from zskt.dataset import UNLABELLED
from zskt.errors import UserError
from zskt.jets.class_branches import class_flags, class_if_any, one_class

FILE = Path("jets.root")


@pytest.mark.parametrize("kind", [bool, np.int32, np.uint8, np.float32, np.float64])
def test_classes_are_truth_values_or_0_and_1(kind: type, capsys: pytest.CaptureFixture[str]) -> None:
    flags = class_flags({"b": ak.Array(np.array([0, 1, 1]).astype(kind))}, FILE)
    assert flags["b"].tolist() == [False, True, True] and flags["b"].dtype == bool and not capsys.readouterr().err


def test_other_branches_are_no_classes_and_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    columns = {
        "b": ak.Array([0, 1]),
        "weight": ak.Array([0.4, -2.0]),
        "number": ak.Array([1, 7]),
        "name": ak.Array(["b", "c"]),
        "of_particles": ak.Array([[1, 0], [1]]),
        "infinite": ak.Array([np.inf, 1.0]),
    }
    assert list(class_flags(columns, FILE)) == ["b"]
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and err.startswith(
        "zskt: jets.root: label_weight, label_number, label_name, label_of_particles, label_infinite not taken for a"
    )
    with pytest.raises(UserError, match=r"jets.root: label_weight does not hold one 0 or 1 a jet, .* anew"):
        class_flags(columns, FILE, required=("b", "weight"))


@pytest.mark.parametrize(("mark", "word"), [(np.nan, "nan"), (-1.0, "-1.0")])
def test_marks_in_a_class_are_named(mark: float, word: str) -> None:
    with pytest.raises(UserError, match=rf"label_b is {word} in 2 of 4 jets \(the first is jet 1\), .* holds 0 and 1"):
        class_flags({"b": ak.Array([1.0, mark, 0.0, mark])}, FILE)


def test_each_jet_has_its_class() -> None:
    flags = {"b": np.array([True, False, False]), "c": np.array([False, True, False])}
    assert class_if_any(flags, ("x", "c", "b"), 3, FILE).tolist() == [2, 1, UNLABELLED]
    assert class_if_any({}, ("c", "b"), 3, FILE).tolist() == [UNLABELLED] * 3
    whole = {"b": np.array([True, False]), "c": np.array([False, True])}
    assert one_class(whole, ("c", "b"), FILE).tolist() == [1, 0]
    with pytest.raises(UserError, match=r"jet 2 \(and 0 more\) belongs to 0 of the 2 classes instead of one"):
        one_class(flags, ("b", "c"), FILE)


def test_jets_of_several_classes_are_told_by_their_names() -> None:
    flags = {"b": np.array([True, True]), "c": np.array([False, True]), "x": np.array([False, False])}
    with pytest.raises(UserError, match=r"jet 1 .* belongs to 2 of the 3 classes \(b, c\) instead of one"):
        one_class(flags, ("b", "x", "c"), FILE)
    with pytest.raises(UserError, match=r"jet 1 .* belongs to several classes \(b, c\); keep one each"):
        class_if_any(flags, ("b", "x", "c"), 2, FILE)
