"""Frames of noise: each number is one of z."""

from __future__ import annotations

import torch

from generators import GENERATORS
from tests.generators import stream
from zskt.frames.inputs import FrameInputs
from zskt.frames.moving_digits import INPUTS


def test_numbers_are_normal_and_follow_z() -> None:
    for inputs in (INPUTS, FrameInputs(length=9, mean=(0.0, 1.0), std=(1.0, 1.0))):
        generator = GENERATORS["noise-frames"].build(inputs)
        x = generator.sample(64, stream()).x[0]
        assert x.shape == (64, *inputs.sample_shape) and abs(float(x.std()) - 1) < 0.05
        z = torch.randn(2, generator.latent_size)
        assert torch.equal(generator(z, stream()).x[0].flatten(1), z)
