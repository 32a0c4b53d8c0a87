"""Images of nothing: each standardised pixel is a normal number of its own.

It is where DeepInversion begins (H. Yin et al., arXiv:1912.08795), and the trivial baseline.

Shapes: B images, C channels, H = W pixels, Z = C H W.
"""

from __future__ import annotations

import torch
from torch import Tensor

from zskt.contracts import PseudoBatch
from zskt.generator import Generator
from zskt.images.inputs import ImageInputs


class NoiseImages(Generator):
    """z -> pseudo-images, each pixel a number of z.

    Args:
        inputs: what the teacher is fed.
    """

    replayable = True

    def __init__(self, inputs: ImageInputs) -> None:
        super().__init__()
        self.inputs = inputs
        self.latent_size = inputs.channels * inputs.size**2

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Turn z (B, Z) into x (B, C, H, W); nothing is discrete, so nothing is drawn."""
        size = self.inputs.size
        return PseudoBatch((self.inputs.of_standardised(z.view(len(z), self.inputs.channels, size, size)),))
