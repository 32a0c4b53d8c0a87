"""Pseudo-photographs with surfaces of real things: sketches whose textures and backgrounds are cut out of photographs.

Sketches have shapes and no surfaces, cuttings of photographs have surfaces and few shapes. See
`generators.images.objects` and `generators.images.photographs`.

Shapes: B images, Z latent size, C channels (1 or 3), H = W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import torch
from torch import Tensor

from generators.images.canvas import Canvas
from generators.images.objects import Objects
from generators.images.photographs import Photographs, public_photographs
from zskt.errors import UserError
from zskt.images.inputs import ImageInputs

CUTTING_PROBABILITY = 0.3
"""Probability that an image is a cutting alone."""
BACKGROUND_PROBABILITY, TEXTURE_PROBABILITY = 0.6, 0.6
"""Probabilities that a background, and the texture of a layer, are cut out of a photograph."""


class PhotographicCanvas(Canvas):
    """A canvas whose backgrounds and textures are now and then those of photographs."""

    def __init__(self, photographs: Photographs, rng: torch.Generator) -> None:
        super().__init__(photographs.size, rng)
        self.photographs = photographs

    def noise(self, slope: Tensor) -> Tensor:
        """Draw textures (B, H, W) of unit variance: windows of photographs, or noise as on every canvas."""
        noise = super().noise(slope)
        windows, shown = self.photographs.textures(len(slope), self.rng)
        taken = shown & (torch.rand(len(slope), generator=self.rng, device=slope.device) < TEXTURE_PROBABILITY)
        return torch.where(taken.view(-1, 1, 1), windows, noise)

    def background(self, image_z: dict[str, Tensor], palette: Tensor) -> Tensor:
        """Paint as on every canvas, or put a cutting: (B, 3, H, W)."""
        painted = super().background(image_z, palette)
        cuttings = self.photographs.cuttings(len(painted), self.rng)
        taken = torch.rand(len(painted), generator=self.rng, device=painted.device) < BACKGROUND_PROBABILITY
        return torch.where(taken.view(-1, 1, 1, 1), cuttings, painted)


class Scenes(Objects):
    """z -> pseudo-photographs; ``rng`` draws kinds of objects, scenes, colours, and what is cut out where.

    Args:
        inputs: what the teacher is fed.
        pictures: photographs of your own, (3, h, w) in [0, 1]; by default `public_photographs`.
    """

    def __init__(self, inputs: ImageInputs, pictures: Sequence[Tensor] | None = None) -> None:
        super().__init__(inputs)
        self.photographs = Photographs(list(pictures or public_photographs()), inputs.size)

    def canvas(self, rng: torch.Generator) -> Canvas:
        """Return what an image is painted on."""
        return PhotographicCanvas(self.photographs, rng)

    def paint(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """Turn z (B, Z) into photographs (B, 3, H, W) of random kinds of objects, or of none, in [0, 1]."""
        painted = super().paint(z, rng)
        alone = torch.rand(len(z), generator=rng, device=z.device) < CUTTING_PROBABILITY
        return torch.where(alone.view(-1, 1, 1, 1), self.photographs.cuttings(len(z), rng), painted)


def scenes(
    mean: Sequence[float], std: Sequence[float], size: int = 32, pictures: Sequence[Tensor] | None = None
) -> Scenes:
    """Build a prior of photographs for a network that takes images (B, C, H, W), (intensity - mean) / std.

    Args:
        mean, std: of each channel, of intensities in [0, 1]: one for grey images, three for colours.
        size: H = W.
        pictures: photographs of your own, (3, h, w) in [0, 1]; by default `public_photographs`.

    Raises:
        UserError: if there are other than one or three channels, a size below 1, or pictures of another kind.
    """
    if not isinstance(size, Integral):
        raise UserError(f"scenes: size {size!r}; its images are square: give one whole number of pixels")
    size = int(size)
    if len(mean) != len(std) or len(mean) not in (1, 3) or size < 1 or min(std) <= 0:
        raise UserError(
            f"scenes: means {tuple(mean)}, spreads {tuple(std)}, {size} pixels; give one or three means, as many "
            "positive spreads, and at least one pixel"
        )
    for i, picture in enumerate(pictures or ()):
        if picture.dim() != 3 or picture.shape[0] != 3 or not picture.numel() or not 0 <= float(picture.min()) <= 1:
            raise UserError(f"scenes: picture {i} is of shape {tuple(picture.shape)}; give (3, h, w), from 0 to 1")
        if float(picture.max()) > 1:
            raise UserError(f"scenes: picture {i} reaches {float(picture.max()):g}; give intensities from 0 to 1")
    return Scenes(ImageInputs(mean=tuple(mean), std=tuple(std), size=size, side=size), pictures)
