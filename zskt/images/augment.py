"""Augmentation of images: shifts and mirror images of real ones, as in the literature on CIFAR, CutMix and mixup.

Shapes: B images, C channels, H x W pixels. Random streams are of the device on which the images are.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

MAX_SHIFT = 4
"""Largest shift in each direction, in pixels. Zeros come in: black of pixels, the mean colour of normalised ones."""


def shift(pixels: Tensor, rng: torch.Generator) -> Tensor:
    """Move each image by up to `MAX_SHIFT` pixels along both axes: (B, C, H, W) -> the same."""
    device = rng.device
    padded = torch.nn.functional.pad(pixels, (MAX_SHIFT,) * 4)
    corner = torch.randint(2 * MAX_SHIFT + 1, (2, len(pixels), 1), generator=rng, device=device)
    rows, columns = (first + torch.arange(n, device=device) for first, n in zip(corner, pixels.shape[2:], strict=True))
    image = torch.arange(len(pixels), device=device).view(-1, 1, 1)
    return padded.permute(0, 2, 3, 1)[image, rows.unsqueeze(2), columns.unsqueeze(1)].permute(0, 3, 1, 2)


def mirror(pixels: Tensor, rng: torch.Generator) -> Tensor:
    """Mirror each image left to right with probability 1/2: (B, C, H, W) -> the same."""
    mirrored = torch.rand(len(pixels), 1, 1, 1, generator=rng, device=rng.device) < 0.5
    return torch.where(mirrored, pixels.flip(-1), pixels)


def cutmix(x: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """Paste a rectangle of the image before it into a ``share`` of the images of a batch: (B, C, H, W) -> the same.

    S. Yun et al., "CutMix", arXiv:1905.04899, figure 1; each side is a quarter to three quarters of the image's.
    """
    n = len(x)
    sizes = [torch.randint(s // 4, 3 * s // 4 + 1, (n, 1), generator=rng, device=rng.device) for s in x.shape[2:]]
    start = torch.rand(2, n, 1, generator=rng, device=rng.device)
    rows, columns = (_between(side, first, s) for side, first, s in zip(sizes, start, x.shape[2:], strict=True))
    mixed = torch.rand(n, 1, 1, generator=rng, device=rng.device) < share
    inside = rows.unsqueeze(2) & columns.unsqueeze(1) & mixed
    return torch.where(inside.unsqueeze(1), x.roll(1, 0), x)


def _between(side: Tensor, start: Tensor, size: int) -> Tensor:
    """Say which pixels of a row lie in an interval: its length and its place from 0 to 1, (B, 1) -> (B, size)."""
    first = (start * (size - side + 1)).long()
    pixel = torch.arange(size, device=side.device)
    return (pixel >= first) & (pixel < first + side)


def mixup(x: Tensor, rng: torch.Generator) -> Tensor:
    """Blend each sample with the one before it, by a share of its own from 0 to 1: (B, ...) -> the same.

    H. Zhang et al., "mixup", arXiv:1710.09412, with the uniform shares of L. Beyer et al., "Knowledge distillation: a
    good teacher is patient and consistent", arXiv:2106.05237, where teacher and student both answer the blend.
    """
    share = torch.rand(len(x), *[1] * (x.dim() - 1), generator=rng, device=rng.device).to(x)
    return share * x + (1 - share) * x.roll(1, 0)


AUGMENTATIONS: dict[str, tuple[Callable[[Tensor, torch.Generator], Tensor], ...]] = {
    "none": (),
    "shift": (shift,),
    "shift-mirror": (shift, mirror),
}
"""Augmentations by name, each a chain of functions (pixels, rng) -> pixels."""


def augmented(pixels: Tensor, name: str, rng: torch.Generator) -> Tensor:
    """Apply the chain of `AUGMENTATIONS` that has this name: (B, C, H, W) -> the same."""
    for change in AUGMENTATIONS[name]:
        pixels = change(pixels, rng)
    return pixels
