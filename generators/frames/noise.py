"""Frames of nothing: each normalised number is a normal one of its own, in video as in series; the trivial baseline.

Shapes: B samples, T frames, Z numbers of a sample.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zskt.contracts import PseudoBatch
from zskt.frames.inputs import FrameInputs
from zskt.generator import Generator


class NoiseFrames(Generator):
    """z -> pseudo-frames, each number one of z.

    Args:
        inputs: what the teacher is fed.
    """

    replayable = True

    def __init__(self, inputs: FrameInputs) -> None:
        super().__init__()
        self.inputs = inputs
        self.latent_size = math.prod(inputs.sample_shape)

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Turn z (B, Z) into x (B, T, ...); nothing is discrete, so nothing is drawn."""
        return PseudoBatch((self.inputs.of_standardised(z.view(-1, *self.inputs.sample_shape)),))
