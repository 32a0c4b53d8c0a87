"""What an image network is fed: pixels -> (x,), normalised, one definition for real images and pseudo-images.

Shapes: B images, C channels, H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zskt.contracts import Batch


@dataclass(frozen=True, kw_only=True)
class ImageInputs:
    """The input specification of an image network: (pixel / 255 - mean) / std, a channel each."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int = 32
    """Pixels in height and width; smaller images are padded with zeros all around, as LeNet-5 wants its digits."""
    side: int = 32
    """Of the images themselves, before padding."""
    domain: str = "images"

    @property
    def channels(self) -> int:
        return len(self.mean)

    def __call__(self, pixels: Tensor) -> Batch:
        """(B, C, h, w) of uint8 -> ((B, C, H, W),)."""
        return (self.normalised(self.padded(pixels.float() / 255)),)

    def padded(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, H, W), zeros around; as it is where nothing is missing."""
        missing = self.size - x.shape[-1]
        before = missing // 2
        return torch.nn.functional.pad(x, (before, missing - before) * 2) if missing else x

    def normalised(self, x: Tensor) -> Tensor:
        """(B, C, H, W) of intensities in [0, 1]."""
        mean, std = (torch.tensor(v, device=x.device).view(-1, 1, 1) for v in (self.mean, self.std))
        return (x - mean) / std

    def intensities(self, x: Tensor) -> Tensor:
        """The inverse of `normalised`, for pictures."""
        mean, std = (torch.tensor(v, device=x.device).view(-1, 1, 1) for v in (self.mean, self.std))
        return x * std + mean
