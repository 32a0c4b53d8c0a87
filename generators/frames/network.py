"""A free network from z to frames, trained by disagreement alone: the paper's idea, one dimension further.

Video comes from the paper's network of images (`generators.images.convnet`), which makes the channels of all frames at
once. A series comes from the same layers along one axis.

Shapes: B samples, Z latent size, T frames, C channels, H = W pixels, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from generators.images.convnet import UPSAMPLING, ConvGenerator
from zskt.contracts import PseudoBatch
from zskt.frames.inputs import FrameInputs
from zskt.generator import Generator
from zskt.images.inputs import ImageInputs

WIDTHS = (128, 128, 64)
"""Channels of the layers of a series, from the first on."""


class NetworkFrames(Generator):
    """z -> pseudo-frames.

    Args:
        inputs: what the teacher is fed.
        latent_size: Z.
    """

    replayable = True

    def __init__(self, inputs: FrameInputs, latent_size: int = 100) -> None:
        super().__init__()
        self.inputs, self.latent_size = inputs, latent_size
        if inputs.size:
            mean, std = inputs.mean * inputs.length, inputs.std * inputs.length
            images = ImageInputs(mean=mean, std=std, size=inputs.size, side=inputs.size)
            self.network: nn.Module = ConvGenerator(images)
            self.latent_size = self.network.latent_size
        else:
            self.network = _SeriesNetwork(latent_size, inputs.channels, inputs.length)

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Turn z (B, Z) into x (B, T, C, H, W) or (B, T, F); nothing is discrete, so nothing is drawn."""
        z = self.of_class(z, labels)
        x = self.network(z, rng).x[0] if self.inputs.size else self.network(z)
        return PseudoBatch((x.view(-1, *self.inputs.sample_shape),))


class _SeriesNetwork(nn.Module):
    """z -> series: one linear layer, two upsamplings, three convolutions, and a normalisation at the end.

    Args:
        length: T; where it is no multiple of `UPSAMPLING`, the end is cut off.
    """

    def __init__(self, latent_size: int, features: int, length: int) -> None:
        super().__init__()
        self.length, self.first = length, -(-length // UPSAMPLING)
        a, b, c = WIDTHS
        self.linear = nn.Linear(latent_size, a * self.first)
        self.body = nn.Sequential(
            nn.BatchNorm1d(a),
            nn.Upsample(scale_factor=2),
            nn.Conv1d(a, b, 3, padding=1),
            nn.BatchNorm1d(b),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2),
            nn.Conv1d(b, c, 3, padding=1),
            nn.BatchNorm1d(c),
            nn.LeakyReLU(0.2),
            nn.Conv1d(c, features, 3, padding=1),
        )
        self.normalise = nn.BatchNorm1d(features)

    def forward(self, z: Tensor) -> Tensor:
        """(B, Z) -> (B, T, F)."""
        x = self.body(self.linear(z).view(len(z), WIDTHS[0], self.first))[..., : self.length]
        series: Tensor = self.normalise(x).transpose(1, 2).contiguous()
        return series
