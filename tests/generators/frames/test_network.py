"""The free network from z to frames, for video and for series of any length."""

from __future__ import annotations

import pytest
import torch

from generators.frames.network import NetworkFrames
from tests.generators import stream
from zskt.frames.inputs import FrameInputs

SHAPES = [
    FrameInputs(length=3, size=10, mean=(0.5, 0.5), std=(0.5, 0.5)),
    FrameInputs(length=10, mean=(0.0,) * 6, std=(1.0,) * 6),
    FrameInputs(length=1, mean=(0.0,), std=(1.0,)),
]


@pytest.mark.parametrize("inputs", SHAPES)
def test_frames_have_the_shape_of_the_teachers_and_follow_every_parameter(inputs: FrameInputs) -> None:
    generator = NetworkFrames(inputs)
    x = generator.sample(8, stream()).x[0]
    assert x.shape == (8, *inputs.sample_shape) and torch.isfinite(x).all()
    (x * torch.randn(x.shape)).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in generator.parameters())


def test_classes_can_be_asked_for() -> None:
    generator = NetworkFrames(SHAPES[0]).eval()
    generator.condition(3)
    z = torch.randn(1, generator.latent_size)
    one, other = (generator(z, stream(), torch.tensor([k])).x[0] for k in (0, 1))
    assert not torch.equal(one, other)
