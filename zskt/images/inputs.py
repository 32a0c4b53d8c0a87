"""Input specification of image networks: pixels -> (x,), normalised, one definition for real and pseudo-images.

Shapes: B images, C channels, H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from zskt.contracts import Batch

TYPICAL_MEAN, TYPICAL_STD = 0.5, 0.25
"""Intensities of images of which nothing else is known."""
STD_OF_IMAGES = (0.1, 0.4)
"""Spreads that a data set of images may have: MNIST's is 0.31, CIFAR-10's 0.25. A network that is normalised by others
takes plain intensities, or some from -1 to 1, or from 0 to 255."""


def are_of_images(stds: tuple[float, ...]) -> bool:
    """Whether spreads of intensities, by which channels are divided, are those of images."""
    low, high = STD_OF_IMAGES
    return all(low <= std <= high for std in stds)


@dataclass(frozen=True, kw_only=True)
class ImageInputs:
    """The input specification of an image network: (pixel / 255 - mean) / std in each channel."""

    mean: tuple[float, ...]
    """Mean intensity of each channel."""
    std: tuple[float, ...]
    """Standard deviation of the intensity in each channel."""
    size: int = 32
    """H = W, in pixels. Smaller images are padded with zeros all around, as LeNet-5 wants its digits."""
    side: int = 32
    """Height and width of images before padding, in pixels."""
    domain: str = "images"
    """Name of the domain."""

    @property
    def channels(self) -> int:
        """C"""
        return len(self.mean)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """(C, H, W)"""
        return (self.channels, self.size, self.size)

    def __call__(self, pixels: Tensor) -> Batch:
        """Turn pixels (B, C, h, w) of uint8 into the batch ((B, C, H, W),)."""
        return (self.normalised(self.padded(pixels.float() / 255)),)

    def padded(self, x: Tensor) -> Tensor:
        """Pad images (B, C, h, w) with zeros to (B, C, H, W)."""
        missing = self.size - x.shape[-1]
        before = missing // 2
        return torch.nn.functional.pad(x, (before, missing - before) * 2) if missing else x

    def normalised(self, x: Tensor) -> Tensor:
        """Normalise intensities (B, C, H, W) in [0, 1]."""
        mean, std = (_of_channels(v, x.dtype, x.device) for v in (self.mean, self.std))
        return (x - mean) / std

    @property
    def is_standardised(self) -> bool:
        """Whether images have mean 0 and variance 1 as the network is fed them."""
        return are_of_images(self.std)

    def of_standardised(self, x: Tensor) -> Tensor:
        """Turn pixels (B, C, H, W) of mean 0 and variance 1 into what the network is fed: for most, the same.

        Where the network is not fed standardised pixels, intensities have `TYPICAL_MEAN` and `TYPICAL_STD`.
        """
        return x if self.is_standardised else self.normalised(TYPICAL_MEAN + TYPICAL_STD * x)

    def standardised(self, x: Tensor) -> Tensor:
        """Undo `of_standardised`."""
        return x if self.is_standardised else (self.intensities(x) - TYPICAL_MEAN) / TYPICAL_STD

    def intensities(self, x: Tensor) -> Tensor:
        """Undo `normalised`, for pictures: (B, C, H, W)."""
        mean, std = (_of_channels(v, x.dtype, x.device) for v in (self.mean, self.std))
        return x * std + mean


@cache
def _of_channels(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return numbers of channels as (C, 1, 1); a GPU is sent them once.

    The type is asked for, for PyTorch's default may change after the first call.
    """
    return torch.tensor(values, dtype=dtype, device=device).view(-1, 1, 1)
