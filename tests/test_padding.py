"""Batches of different widths."""

from __future__ import annotations

import torch

from zskt.padding import cat, padded


def test_the_last_dimension_is_padded_with_zeros() -> None:
    assert padded(torch.ones(2, 1, 2), 4).tolist() == [[[1, 1, 0, 0]]] * 2
    mask = padded(torch.ones(1, 2, dtype=torch.bool), 3)
    assert mask.dtype == torch.bool and mask.tolist() == [[True, True, False]]


def test_batches_are_joined_at_the_wider_of_both() -> None:
    wide, narrow = torch.ones(1, 3), torch.full((2, 1), 2.0)
    assert cat(wide, narrow).tolist() == [[1, 1, 1], [2, 0, 0], [2, 0, 0]]
    assert cat(narrow, wide).tolist() == [[2, 0, 0], [2, 0, 0], [1, 1, 1]]
    assert cat(torch.tensor([1, 2]), torch.tensor([3])).tolist() == [1, 2, 3]
