"""Augmentation of images: of real ones random shifts and mirror images, as in the literature on CIFAR; of any, CutMix.

Shapes: B images, C channels, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

SHIFT = 4
"""Pixels, at most, in each direction; what comes in is black."""


def shift(pixels: Tensor, rng: torch.Generator) -> Tensor:
    """Each image moved by up to `SHIFT` pixels along both axes: (B, C, H, W) -> the same."""
    size = pixels.shape[-1]
    padded = torch.nn.functional.pad(pixels, (SHIFT,) * 4)
    corner = torch.randint(2 * SHIFT + 1, (2, len(pixels), 1), generator=rng)
    rows, columns = (corner + torch.arange(size)).unbind(0)  # (B, H), (B, W)
    image = torch.arange(len(pixels)).view(-1, 1, 1)
    return padded.permute(0, 2, 3, 1)[image, rows.unsqueeze(2), columns.unsqueeze(1)].permute(0, 3, 1, 2)


def mirror(pixels: Tensor, rng: torch.Generator) -> Tensor:
    """Each image mirrored left to right with probability 1/2."""
    chosen = torch.rand(len(pixels), 1, 1, 1, generator=rng) < 0.5
    return torch.where(chosen, pixels.flip(-1), pixels)


def cutmix(x: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """A ``share`` of the images with a rectangle of the image before them in the batch: (B, C, H, W) -> the same.

    S. Yun et al., "CutMix", arXiv:1905.04899, figure 1; each side is a quarter to three quarters of the image's.
    ``rng`` is the CPU's.
    """
    size, n = x.shape[-1], len(x)
    side = torch.randint(size // 4, 3 * size // 4 + 1, (2, n, 1), generator=rng)
    corner = (torch.rand(2, n, 1, generator=rng) * (size - side + 1)).long()
    pixel = torch.arange(size)
    rows, columns = ((pixel >= corner) & (pixel < corner + side)).unbind(0)  # (B, H), (B, W)
    chosen = torch.rand(n, 1, 1, generator=rng) < share
    inside = rows.unsqueeze(2) & columns.unsqueeze(1) & chosen
    return torch.where(inside.unsqueeze(1).to(x.device), x.roll(1, 0), x)


AUGMENTATIONS: dict[str, tuple[Callable[[Tensor, torch.Generator], Tensor], ...]] = {
    "none": (),
    "shift": (shift,),
    "shift-mirror": (shift, mirror),
}
