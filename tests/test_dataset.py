"""Labelled samples, and a few of each class."""

from __future__ import annotations

import pytest
import torch

from zskt.dataset import Labelled, of_each_class, short
from zskt.errors import UserError


def test_samples_are_of_each_class_and_a_larger_number_adds_to_them() -> None:
    data = Labelled(torch.arange(60).view(60, 1, 1, 1).to(torch.uint8), torch.arange(60) % 3)
    few, more = (of_each_class(data, ("a", "b", "c"), m, seed=5) for m in (4, 9))
    assert torch.bincount(few.labels).tolist() == [4, 4, 4]
    values = [set(part.samples.flatten().tolist()) for part in (few, more)]  # type: ignore[attr-defined]
    assert len(values[0]) == 12 and values[0] < values[1]
    other = of_each_class(data, ("a", "b", "c"), 4, seed=6)
    assert set(other.samples.flatten().tolist()) != values[0]  # type: ignore[attr-defined]


def test_more_than_there_are_is_told() -> None:
    data = Labelled(torch.zeros(60, 1), torch.arange(60) % 3)
    with pytest.raises(UserError, match="--samples-per-class 21: class a has 20 samples; take at most as many"):
        of_each_class(data, ("a", "b", "c"), 21, seed=5)


def test_rows_keep_samples_and_labels_together() -> None:
    data = Labelled(torch.arange(5.0), torch.arange(5))
    rows = data[torch.tensor([3, 1])]
    assert len(rows) == 2 and rows.labels.tolist() == [3, 1] and rows.samples.tolist() == [3, 1]  # type: ignore[attr-defined]


def test_names_of_classes_lose_what_taggers_put_in_front() -> None:
    assert [short(name) for name in ("label_b", "probQCD", "Hbb")] == ["b", "QCD", "Hbb"]
