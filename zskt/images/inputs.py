"""Input specification of image networks: pixels -> (x,), normalised, one definition for real and pseudo-images.

Shapes: B images, C channels, H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from zskt.contracts import Batch


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
