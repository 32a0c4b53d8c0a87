"""Cuttings of three public photographs, none of which belongs to any teacher's training data.

They come with libraries that zskt needs anyway: a temple and a flower with scikit-learn (CC BY 2.0, named in
`sklearn/datasets/images/README.txt`), a portrait of Grace Hopper with matplotlib (US Navy, public domain). Y. M. Asano
and A. Saeed, "The augmented image prior: distilling 1000 classes by extrapolating from a single image",
arXiv:2112.00725, distil networks with cuttings of one photograph alone.

Shapes: B images, H = W pixels.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

SMALLEST_CUTTING = 0.75
"""Side of the smallest cuttings, in units of the pixels of the photograph that make one of theirs."""
LARGEST_CUTTING = 0.95
"""Side of the largest cuttings, a share of the photograph's shorter side."""
ASPECT_STD, TURN_STD, SHEAR_STD = 0.25, 0.35, 0.15
"""Standard deviations of the logarithm of a cutting's aspect ratio, of its angle in radians, and of its shear."""
CONTRAST_STD, LIGHT_STD, SATURATION_STD, HUE_STD = 0.35, 0.12, 0.5, 0.6
"""Standard deviations of the logarithms of contrast and saturation, of what is added to intensities in [0, 1], and of
the angle, in radians, by which colours are turned about grey."""
CHANNEL_CONTRAST_STD, CHANNEL_LIGHT_STD = 0.08, 0.04
"""The same of each channel alone: of a factor about 1, and of what is added."""
ANY_HUE_PROBABILITY = 0.25
"""Probability that colours are turned by any angle."""
LEAST_CONTRAST = 0.04
"""Standard deviation of the intensities in [0, 1] of a window below which it shows no texture."""


def public_photographs() -> list[Tensor]:
    """Read the photographs: (3, h, w) each, in [0, 1].

    Raises:
        OSError: if an installation of scikit-learn or matplotlib lacks its sample images.
    """
    import matplotlib.cbook  # either library takes a second to import
    from PIL import Image
    from sklearn.datasets import load_sample_image

    portrait = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    pictures = [load_sample_image("china.jpg"), load_sample_image("flower.jpg"), np.array(Image.open(portrait))]
    return [torch.from_numpy(np.array(p)).permute(2, 0, 1).float() / 255 for p in pictures]


class Photographs(nn.Module):
    """Photographs at several scales, of which cuttings and textures are drawn.

    Args:
        pictures: (3, h, w) each, in [0, 1].
        size: H = W of what is drawn.
    """

    grey: Tensor
    """Luminances of all scales of all pictures, one pixel behind the other."""
    windows: Tensor
    """Of each scale where its pixels begin in ``grey``, its height and its width."""

    def __init__(self, pictures: list[Tensor], size: int) -> None:
        super().__init__()
        self.size, self.scales = size, []
        for i, picture in enumerate(pictures):
            factor = max(1.0, 1.5 * size / min(picture.shape[1:]))
            levels = [nn.functional.interpolate(picture[None], scale_factor=factor, mode="bilinear")]
            while min(levels[-1].shape[2:]) >= 2 * size:
                levels.append(nn.functional.avg_pool2d(levels[-1], 2))
            for k, level in enumerate(levels):
                self.register_buffer(f"picture_{i}_{k}", level, persistent=False)
            self.scales.append(len(levels))
        grey = [level.mean((0, 1)) for i in range(len(pictures)) for level in self.levels(i)]
        starts = np.cumsum([0, *(g.numel() for g in grey)])
        places = [(start, *g.shape) for start, g in zip(starts, grey, strict=False)]
        self.register_buffer("grey", torch.cat([g.flatten() for g in grey]), persistent=False)
        self.register_buffer("windows", torch.tensor(places), persistent=False)

    def levels(self, picture: int) -> list[Tensor]:
        """Return a picture at all scales, each half as large as the one before: (1, 3, h, w) each."""
        return [self.get_buffer(f"picture_{picture}_{k}") for k in range(self.scales[picture])]

    def textures(self, count: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw windows of luminance of any scale, of mean 0 and variance 1: (B, H, W), and which show something, (B,).

        A window is mirrored along either axis.
        """
        device, line = self.grey.device, torch.arange(self.size, device=self.grey.device)
        scale = torch.randint(len(self.windows), (count,), generator=rng, device=device)
        start, height, width = self.windows[scale].unbind(1)
        place, mirrored = (torch.rand(2, count, generator=rng, device=device) for _ in range(2))
        rows, columns = (
            (share * (length - self.size + 1)).long().unsqueeze(1) + torch.where(flip.unsqueeze(1), line.flip(0), line)
            for share, length, flip in zip(place, (height, width), mirrored < 0.5, strict=True)
        )
        pixels = start.view(-1, 1, 1) + rows.unsqueeze(2) * width.view(-1, 1, 1) + columns.unsqueeze(1)
        window = self.grey[pixels]
        window = window - window.mean((1, 2), keepdim=True)
        spread = window.square().mean((1, 2)).sqrt()
        return (window / spread.clamp(min=1e-3).view(-1, 1, 1)).clamp(-3, 3), spread > LEAST_CONTRAST

    def cuttings(self, count: int, rng: torch.Generator) -> Tensor:
        """Cut out images (B, 3, H, W) in [0, 1] of any place, size, angle and colour."""
        device = self.grey.device
        picture = torch.randint(len(self.scales), (count,), generator=rng, device=device)
        side, z = torch.rand(count, generator=rng, device=device), torch.randn(3, count, generator=rng, device=device)
        place, mirrored = (
            torch.rand(2, count, generator=rng, device=device),
            torch.rand(count, generator=rng, device=device),
        )
        images = torch.empty(count, 3, self.size, self.size, device=device)
        for i in range(len(self.scales)):
            rows = (picture == i).nonzero()[:, 0]
            levels = self.levels(i)
            shape = torch.tensor(levels[0].shape[2:], device=device)
            grid, scale = self._grid(shape, side[rows], z[:, rows], place[:, rows], mirrored[rows] < 0.5)
            for k, level in enumerate(levels):
                of_level = scale.clamp(max=len(levels) - 1) == k
                views = level.expand(int(of_level.sum()), -1, -1, -1)
                images[rows[of_level]] = nn.functional.grid_sample(
                    views, grid[of_level], padding_mode="reflection", align_corners=False
                )
        return recoloured(images, rng)

    def _grid(self, shape: Tensor, side: Tensor, z: Tensor, place: Tensor, mirrored: Tensor) -> tuple[Tensor, Tensor]:
        """Say where the pixels of n cuttings lie in a picture, (n, H, W, 2) in [-1, 1], and in which of its scales."""
        largest = LARGEST_CUTTING * float(shape.min())
        smallest = min(SMALLEST_CUTTING * self.size, largest)
        pixels = smallest * (largest / smallest) ** side  # of the picture along a side
        aspect, turn, shear = torch.exp(ASPECT_STD * z[0]).clamp(0.6, 1.7).sqrt(), TURN_STD * z[1], SHEAR_STD * z[2]
        half = torch.stack([pixels / aspect, pixels * aspect]) / 2  # of height and width
        extent = shape.view(2, 1)
        middle = torch.minimum(half, extent / 2) + place * (extent - 2 * half).clamp(min=0)
        line = (torch.arange(self.size, device=side.device) + 0.5) / self.size * 2 - 1
        v, u = torch.meshgrid(line, line, indexing="ij")
        u = torch.where(mirrored.view(-1, 1, 1), -u, u) + shear.view(-1, 1, 1) * v
        dx, dy = half[1].view(-1, 1, 1) * u, half[0].view(-1, 1, 1) * v
        cosine, sine = turn.cos().view(-1, 1, 1), turn.sin().view(-1, 1, 1)
        y = middle[0].view(-1, 1, 1) + sine * dx + cosine * dy
        x = middle[1].view(-1, 1, 1) + cosine * dx - sine * dy
        grid = torch.stack([x / shape[1], y / shape[0]], -1) * 2 - 1
        return grid, (pixels / self.size).log2().floor().clamp(min=0)


def recoloured(images: Tensor, rng: torch.Generator) -> Tensor:
    """Change contrast, light, saturation and hue of images (B, 3, H, W) in [0, 1], and each channel a little alone."""
    count, device = len(images), images.device

    def normal(*shape: int) -> Tensor:
        return torch.randn(count, *shape, generator=rng, device=device)

    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * torch.exp(CONTRAST_STD * normal(1, 1, 1)) + mean + LIGHT_STD * normal(1, 1, 1)
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * torch.exp(SATURATION_STD * normal(1, 1, 1))
    any_hue = torch.rand(count, generator=rng, device=device) < ANY_HUE_PROBABILITY
    angle = torch.where(any_hue, 2 * math.pi * torch.rand(count, generator=rng, device=device), HUE_STD * normal())
    images = torch.einsum("bij,bjhw->bihw", turn_about_grey(angle), images)
    factor = 1 + CHANNEL_CONTRAST_STD * normal(3, 1, 1)
    return (images * factor + CHANNEL_LIGHT_STD * normal(3, 1, 1)).clamp(0, 1)


def turn_about_grey(angle: Tensor) -> Tensor:
    """Return the matrices (B, 3, 3) that turn colours (red, green, blue) by angles (B,) about the axis of greys."""
    along = (1 - angle.cos()) / 3
    aside = angle.sin() / math.sqrt(3)
    row = torch.stack([along + angle.cos(), along - aside, along + aside], -1)
    return torch.stack([row, row.roll(1, -1), row.roll(2, -1)], 1)
