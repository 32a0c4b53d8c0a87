"""Augmentation of real images, as in the literature on CIFAR: random shifts, mirror images.

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


AUGMENTATIONS: dict[str, tuple[Callable[[Tensor, torch.Generator], Tensor], ...]] = {
    "none": (),
    "shift": (shift,),
    "shift-mirror": (shift, mirror),
}
