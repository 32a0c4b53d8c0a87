"""Labelled samples, and a few of each class."""

from __future__ import annotations

import pytest
import torch

from zskt.dataset import Labelled, drawn_rows, of_each_class, only_labelled, short
from zskt.errors import UserError


def test_samples_are_of_each_class_and_a_larger_number_adds_to_them() -> None:
    data = Labelled(torch.arange(60).view(60, 1, 1, 1).to(torch.uint8), torch.arange(60) % 3)
    few, more = (of_each_class(data, dict(enumerate("abc")), m, seed=5) for m in (4, 9))
    assert torch.bincount(few.labels).tolist() == [4, 4, 4]
    values = [set(part.samples.flatten().tolist()) for part in (few, more)]  # type: ignore[attr-defined]
    assert len(values[0]) == 12 and values[0] < values[1]
    other = of_each_class(data, dict(enumerate("abc")), 4, seed=6)
    assert set(other.samples.flatten().tolist()) != values[0]  # type: ignore[attr-defined]


def test_few_samples_of_a_sorted_file_are_of_all_its_classes_and_the_same_ones_each_time() -> None:
    sorted_by_class = torch.arange(10_000) // 1000
    rows = drawn_rows(10_000, 5000)
    assert torch.bincount(sorted_by_class[rows]).min() > 400 and len(set(rows.tolist())) == 5000
    assert torch.equal(rows, drawn_rows(10_000, 5000)) and torch.equal(rows, rows.sort().values)
    assert drawn_rows(3, 5).tolist() == [0, 1, 2]


def test_more_than_there_are_is_told() -> None:
    data = Labelled(torch.zeros(60, 1), torch.arange(60) % 3)
    with pytest.raises(UserError, match="--samples-per-class 21: class a has 20 samples; take at most as many"):
        of_each_class(data, dict(enumerate("abc")), 21, seed=5)


def test_samples_of_another_class_are_left_out_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    whole = Labelled(torch.arange(6.0), torch.arange(6) % 3)
    assert only_labelled(whole, ("a", "b", "c"), "--data f") is whole and capsys.readouterr().err == ""
    data = Labelled(torch.arange(5.0), torch.tensor([-1, 1, 0, -1, 1]))
    kept = only_labelled(data, ("a", "b"), "--data f")
    assert kept.labels.tolist() == [1, 0, 1] and kept.samples.tolist() == [1, 2, 4]  # type: ignore[attr-defined]
    err = capsys.readouterr().err
    assert err == "zskt: --data f: 3 of 5 samples carry one of the 2 classes; the other 2 are left out\n"
    with pytest.raises(UserError, match=r"--data f: samples without labels, or of none of the classes a, b; give"):
        only_labelled(data[torch.tensor([0, 3])], ("a", "b"), "--data f")


def test_classes_that_never_occur_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    data = Labelled(torch.arange(2.0), torch.tensor([1, 1]))
    assert only_labelled(data, ("a", "b", "c"), "f") is data
    assert capsys.readouterr().err == "zskt: f: no sample of a, c: labels teach nothing of 2 of the classes\n"


def test_rows_keep_samples_and_labels_together() -> None:
    data = Labelled(torch.arange(5.0), torch.arange(5))
    rows = data[torch.tensor([3, 1])]
    assert len(rows) == 2 and rows.labels.tolist() == [3, 1] and rows.samples.tolist() == [3, 1]  # type: ignore[attr-defined]


def test_names_of_classes_lose_what_taggers_put_in_front() -> None:
    assert [short(name) for name in ("label_b", "probQCD", "Hbb")] == ["b", "QCD", "Hbb"]
