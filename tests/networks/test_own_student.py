"""Students of the user's: the shapes that they are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zskt.errors import UserError
from zskt.frames.inputs import FrameInputs
from zskt.images.inputs import ImageInputs
from zskt.jets.features import KIN
from zskt.networks.own_student import input_shape, largest_samples, own_student
from zskt.vectors.inputs import VectorInputs

CODE = """
from torch import nn


def line(input_shape, outputs):
    import math
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(input_shape), outputs))


def wrong(input_shape, outputs):
    return nn.Flatten()
"""


@pytest.mark.parametrize(
    ("inputs", "shape"),
    [
        (ImageInputs(mean=(0.0,) * 3, std=(1.0,) * 3), (3, 32, 32)),
        (VectorInputs.from_bounds([0.0, 0.0], 1.0), (2,)),
        (FrameInputs(length=4, size=6, mean=(0.0,), std=(1.0,)), (4, 1, 6, 6)),
        (FrameInputs(length=4, mean=(0.0,) * 5, std=(1.0,) * 5), (4, 5)),
    ],
)
def test_ones_own_networks_are_told_the_shape_of_a_sample(inputs: Any, shape: tuple[int, ...], tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(CODE)
    assert input_shape(inputs) == shape
    assert [tuple(t.shape) for t in largest_samples(inputs, 7)] == [(7, *shape)]
    network = own_student(f"{tmp_path / 'mine.py'}:line").build(inputs, 3)
    assert network(*largest_samples(inputs, 2)).shape == (2, 3)
    with pytest.raises(UserError, match="must answer"):
        own_student(f"{tmp_path / 'mine.py'}:wrong").build(inputs, 1000)


def test_of_jets_each_input_has_a_shape() -> None:
    assert len(input_shape(KIN)) == 3 and all(isinstance(shape, tuple) for shape in input_shape(KIN))
