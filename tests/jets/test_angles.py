"""Angles are wrapped alike in all libraries."""

from __future__ import annotations

import math

import awkward as ak
import numpy as np
import pytest
import torch

from zskt.jets.angles import wrap


def test_angles_are_brought_to_one_turn() -> None:
    angles, expected = [0.5, 3.5, -3.5, 7.0, -math.pi], [0.5, 3.5 - 2 * math.pi, 2 * math.pi - 3.5, 7 - 2 * math.pi]
    assert wrap(torch.tensor(angles, dtype=torch.float64))[:4].tolist() == pytest.approx(expected)
    assert wrap(np.array(angles))[:4].tolist() == pytest.approx(expected)
    assert ak.to_list(wrap(ak.Array([angles[:2], angles[2:4]]))) == [
        pytest.approx(expected[:2]),
        pytest.approx(expected[2:]),
    ]
    assert wrap(math.pi) == -math.pi


def test_numbers_of_32_bits_stay_so() -> None:
    assert wrap(np.zeros(2, np.float32)).dtype == np.float32 and wrap(torch.zeros(2)).dtype == torch.float32
