"""Input specification of networks on frames: T pictures, or T times F numbers, one after the other.

Video is (B, T, C, H, W), a series is (B, T, F): the same domain, of which a series has no pixels.

Shapes: B samples, T frames, C channels, H = W pixels, F features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.images.inputs import TYPICAL_MEAN, TYPICAL_STD, are_of_images


@dataclass(frozen=True, kw_only=True)
class FrameInputs:
    """The input specification of a network on frames: (value - mean) / std in each channel or feature.

    Raises:
        UserError: if there are no frames or nothing in them, or a spread is not positive.
    """

    length: int
    """T"""
    mean: tuple[float, ...]
    """Mean of each channel, of intensities in [0, 1], or of each feature."""
    std: tuple[float, ...]
    """Standard deviations of the same."""
    size: int = 0
    """H = W, in pixels; 0 of a series."""
    domain: str = "frames"
    """Name of the domain."""

    def __post_init__(self) -> None:
        if self.length < 1 or not self.mean or len(self.mean) != len(self.std) or self.size < 0:
            raise UserError(
                f"{self.length} frames of {self.size} pixels, {len(self.mean)} means and {len(self.std)} spreads: give "
                "at least one frame, and one mean and one spread a channel"
            )
        if not all(spread > 0 for spread in self.std):
            raise UserError(f"spread {min(self.std):g} of a channel; give a positive one")

    @property
    def channels(self) -> int:
        """C, or F of a series."""
        return len(self.mean)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """(T, C, H, W), or (T, F) of a series."""
        pixels = (self.size, self.size) if self.size else ()
        return (self.length, self.channels, *pixels)

    def first(self, length: int) -> Self:
        """Return the specification of the first so many frames."""
        return replace(self, length=length)

    def __call__(self, samples: Tensor) -> Batch:
        """Turn frames (B, T, C, H, W) of uint8, or numbers (B, T, F), into the batch ((B, ...),)."""
        return (self.normalised(samples.float() / 255 if samples.dtype == torch.uint8 else samples.float()),)

    def normalised(self, x: Tensor) -> Tensor:
        """Normalise intensities in [0, 1], or features: (B, T, ...) -> (B, T, ...)."""
        mean, std = self._moments(x)
        return (x - mean) / std

    def of_standardised(self, x: Tensor) -> Tensor:
        """Turn numbers (B, T, ...) of mean 0 and variance 1 into what the network is fed, as `ImageInputs` does."""
        if not self.size or are_of_images(self.std):
            return x
        return self.normalised(TYPICAL_MEAN + TYPICAL_STD * x)

    def values(self, x: Tensor) -> Tensor:
        """Undo `normalised`, for pictures."""
        mean, std = self._moments(x)
        return x * std + mean

    def _moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        shape = (-1, 1, 1) if self.size else (-1,)
        mean, std = (torch.tensor(v, dtype=x.dtype, device=x.device).view(shape) for v in (self.mean, self.std))
        return mean, std
