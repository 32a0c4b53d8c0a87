"""The paper's generator of images: one linear layer, two upsamplings, three convolutions.

P. Micaelli and A. Storkey, arXiv:1905.09768, section 4 and the authors' published recipe. Its output ends in a
normalisation, not in a tanh: it lives in the space of standardised pixels, and no bound holds it. The paper has images
of 32 x 32 pixels; sizes that are no multiple of 4 are cropped from the next one.

Shapes: B images, Z latent size, C channels, H = W pixels.
"""

from __future__ import annotations

import math
from numbers import Integral

import torch
from torch import Tensor, nn

from zskt.contracts import PseudoBatch
from zskt.errors import UserError
from zskt.generator import Generator
from zskt.images.inputs import TYPICAL_MEAN, TYPICAL_STD, ImageInputs

UPSAMPLING = 4
"""The image is so many times the first grid, along both axes."""


class UpsampledConv(nn.Conv2d):
    """Each pixel doubled along both axes, then a 3 x 3 convolution with zeros around, as one transposed convolution.

    Doubled pixels share taps: what two of them see is summed beforehand, so 4 products make a pixel instead of 9.
    """

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__(channels_in, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', 2 H, 2 W)."""
        taps = self.weight.flatten(0, 1).unsqueeze(1)  # (C' C, 1, 3, 3)
        pairs = nn.functional.conv2d(taps, taps.new_ones(1, 1, 2, 2), padding=1)  # (C' C, 1, 4, 4)
        kernel = pairs.view(*self.weight.shape[:2], 4, 4).transpose(0, 1).flip(2, 3)
        return nn.functional.conv_transpose2d(x, kernel, self.bias, stride=2, padding=1)


class ConvGenerator(Generator):
    """z -> pseudo-images.

    Args:
        inputs: what the teacher is fed.
    """

    latent_size = 100
    replayable = True

    def __init__(self, inputs: ImageInputs) -> None:
        super().__init__()
        self.inputs = inputs
        self.first_size = math.ceil(inputs.size / UPSAMPLING)
        self.linear = nn.Linear(self.latent_size, 128 * self.first_size**2)
        self.body = nn.Sequential(
            nn.BatchNorm2d(128),
            UpsampledConv(128, 128),
            nn.BatchNorm2d(128),
            nn.LeakyReLU(0.2, inplace=True),
            UpsampledConv(128, 64),
            nn.BatchNorm2d(64),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(64, inputs.channels, 3, padding=1),
            nn.BatchNorm2d(inputs.channels),
        )

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Turn z (B, Z) into x (B, C, H, W); nothing is discrete, so nothing is drawn."""
        x = self.linear(self.of_class(z, labels)).view(len(z), 128, self.first_size, self.first_size)
        x = self._cropped(self.body[:-1](x))
        return PseudoBatch((self.inputs.of_standardised(self.body[-1](x)),))

    def _cropped(self, x: Tensor) -> Tensor:
        """The middle of images whose size is the next multiple of `UPSAMPLING`; before they are normalised."""
        size = self.inputs.size
        margin = (x.shape[-1] - size) // 2
        return x[..., margin : margin + size, margin : margin + size]


def convnet(channels: int, size: int) -> ConvGenerator:
    """Build the paper's generator for a network on images (B, C, H, W), whose pixels are normalised.

    Args:
        channels: C.
        size: H = W, any number of pixels.

    Raises:
        UserError: if one of them is below 1, or the images are not square.
    """
    if not isinstance(size, Integral):
        raise UserError(f"convnet: its images are square; size is {size!r}, but must be one number of pixels")
    if not isinstance(channels, Integral):
        raise UserError(f"convnet: channels is {channels!r}; give a whole number")
    channels, size = int(channels), int(size)
    if channels < 1 or size < 1:
        raise UserError(f"convnet: {channels} channels of {size} x {size} pixels; give at least 1 of each")
    mean, std = (TYPICAL_MEAN,) * channels, (TYPICAL_STD,) * channels
    return ConvGenerator(ImageInputs(mean=mean, std=std, size=size, side=size))
