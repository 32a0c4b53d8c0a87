"""Packed rows, slots and masked channels hold the same particles."""

from __future__ import annotations

import pytest
import torch

from zskt.networks.rows import MaskedChannels, Rows, Slots

REAL = torch.tensor([[True, True, False], [True, False, False]])
X = torch.tensor([[[1.0, 2.0, 7.0]], [[3.0, 8.0, 9.0]]])  # (2, 1, 3), the last ones on padding


def test_rows_are_the_real_particles_in_order() -> None:
    rows = Rows(REAL)
    assert rows.of(X).flatten().tolist() == [1, 2, 3]
    assert rows.jet.tolist() == [0, 0, 1]
    assert rows.number.tolist() == [[0, 1, 3], [2, 3, 3]]  # 3 stands for padding
    assert rows.count.tolist() == [[2], [1]]


@pytest.mark.parametrize("kind", [Rows, Slots])
def test_padding_is_zero_and_means_are_over_real_particles(kind: type[Rows]) -> None:
    rows = kind(REAL.float())
    packed = rows.of(X)
    assert rows.dense(packed)[..., 0].tolist() == [[1, 2, 0], [3, 0, 0]]
    assert rows.channels(packed).tolist() == [[[1, 2, 0]], [[3, 0, 0]]]
    assert rows.mean(packed).flatten().tolist() == [1.5, 3]


def test_masked_channels_stay_where_they_are() -> None:
    rows = MaskedChannels(REAL)
    assert rows.of(X) is X
    assert rows.channels(X).tolist() == [[[1, 2, 0]], [[3, 0, 0]]]
    assert rows.count.tolist() == [[2], [1]]


def test_a_jet_without_particles_has_the_mean_zero() -> None:
    rows = Rows(torch.zeros(1, 3))
    assert rows.mean(rows.of(torch.ones(1, 2, 3))).tolist() == [[0, 0]]
