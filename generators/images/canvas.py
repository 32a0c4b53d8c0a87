"""Painting of pseudo-photographs: textured and lit layers on top of each other, then blur, contrast and grain.

Shapes: B images, Z latent size, C channels, H = W pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from zskt.contracts import PseudoBatch
from zskt.generator import Generator
from zskt.images.inputs import ImageInputs

REFERENCE_SIZE = 32
"""Height and width, in pixels, of the images for which lengths are given. Other images scale them."""


def uniform(z: Tensor) -> Tensor:
    """Turn standard normal numbers into uniform ones in (0, 1)."""
    quantile: Tensor = torch.special.ndtr(z)
    return quantile


def by_name(z: Tensor, names: tuple[str, ...]) -> dict[str, Tensor]:
    """Split the last dimension into a tensor for each of its names: (..., names) -> (...) each."""
    return dict(zip(names, z.unbind(-1), strict=True))


class PaintedImages(Generator):
    """A generator of painted images, without parameters; a subclass writes `paint`.

    Args:
        inputs: what the teacher is fed.
    """

    def __init__(self, inputs: ImageInputs) -> None:
        super().__init__()
        self.inputs = inputs

    @torch.no_grad()
    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Turn z (B, Z) into x (B, C, H, W)."""
        return PseudoBatch((self.inputs.normalised(in_channels(self.paint(z, rng), self.inputs.channels, rng)),))

    def paint(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """Turn z (B, Z) into images (B, 3, H, W) in [0, 1]; ``rng`` draws textures and what is discrete."""
        raise NotImplementedError


def in_channels(image: Tensor, channels: int, rng: torch.Generator) -> Tensor:
    """Turn images (B, 3, H, W) in [0, 1] into such of C channels: grey ones of one, the same of three.

    What other channels see, as those of a satellite do, nobody has said. Each is a mean of the three, whose weights are
    drawn for every image, in a light of its own.
    """
    if channels == 3:
        return image
    if channels == 1:
        return image.mean(1, keepdim=True)
    shape = (len(image), channels, 4)
    drawn = torch.randn(shape, generator=rng, device=image.device)
    weights, light = drawn[..., :3].softmax(2), 0.25 * drawn[..., 3]
    seen = torch.einsum("bck,bkhw->bchw", weights, image)
    return (seen + light[..., None, None]).clamp(0, 1)


class Layer(NamedTuple):
    """One layer of every image, a superellipse with lobes; fields are (B,) unless said. Lengths in pixels."""

    x: Tensor
    y: Tensor
    radius: Tensor
    """Negative where an image lacks this layer."""
    aspect: Tensor
    angle: Tensor
    power: Tensor
    """Exponent of the superellipse: 1 is a rhombus, 2 an ellipse, more is nearly a rectangle."""
    lobes: Tensor
    """(B, 4): strength and phase of two lobes, then of three."""
    paint: Tensor
    """Index of its colour in the palette."""
    tint: Tensor
    """(B, 3), added to the colour."""
    shade: Tensor
    """(B, 2): change of intensity across the image, along x and y."""
    texture: Tensor
    """Standard deviation of the texture."""
    slope: Tensor
    """Power with which amplitudes of the texture fall with frequency."""


class Canvas:
    """Square images to paint on.

    Args:
        size: H = W.
        rng: stream that draws textures.
    """

    def __init__(self, size: int, rng: torch.Generator) -> None:
        self.rng, self.size = rng, size
        line = (torch.arange(size, device=rng.device) - (size - 1) / 2) * REFERENCE_SIZE / size
        self.x, self.y = line.view(1, 1, -1), line.view(1, -1, 1)
        frequency = torch.fft.fftfreq(size, device=rng.device)
        self.frequency = torch.hypot(frequency.unsqueeze(1), frequency).clamp(min=1 / size)  # (H, W)

    def noise(self, slope: Tensor) -> Tensor:
        """Draw textures (B, H, W) of unit variance whose amplitudes fall as frequency^-slope; of one pixel, zeros."""
        if self.size == 1:
            return torch.zeros(len(slope), 1, 1, device=slope.device)
        phases = torch.randn(len(slope), self.size, self.size, 2, generator=self.rng, device=slope.device)
        amplitude = self.frequency ** -slope.view(-1, 1, 1)
        field: Tensor = torch.fft.ifft2(torch.view_as_complex(phases) * amplitude).real
        field = field - field.mean((1, 2), keepdim=True)
        return field / field.std((1, 2), keepdim=True).clamp(min=1e-6)

    def background(self, image_z: dict[str, Tensor], palette: Tensor) -> Tensor:
        """Paint one colour above, another below, and a texture: (B, 3, H, W).

        Args:
            image_z: latent variables of each image, "sky", "horizon" and "ground" among them.
            palette: colours, (B, colours, 3).
        """
        steepness = 0.2 * uniform(image_z["sky"]).view(-1, 1, 1)
        below = torch.sigmoid(steepness * self.y + 2 * image_z["horizon"].view(-1, 1, 1)).unsqueeze(1)
        above, under = (palette[:, i, :, None, None] for i in (0, 1))
        texture = 0.15 * uniform(image_z["ground"]).view(-1, 1, 1) * self.noise(0.7 + uniform(-image_z["ground"]))
        return above * (1 - below) + under * below + texture.unsqueeze(1)

    def put(self, image: Tensor, layer: Layer, palette: Tensor) -> Tensor:
        """Paint a layer on top of the image (B, 3, H, W)."""
        paint = palette[torch.arange(len(palette), device=palette.device), layer.paint] + layer.tint
        shade = (layer.shade[:, :1, None] * self.x + layer.shade[:, 1:, None] * self.y) / REFERENCE_SIZE
        texture = layer.texture.view(-1, 1, 1) * self.noise(layer.slope)
        painted = (paint[..., None, None] + (shade + texture).unsqueeze(1)).clamp(-0.2, 1.2)
        return torch.where(self.covered(layer).unsqueeze(1), painted, image)

    def covered(self, layer: Layer) -> Tensor:
        """Tell which pixels lie on a layer: (B, H, W) of bool."""
        columns = (layer.x, layer.y, layer.radius, layer.aspect, layer.angle, layer.power, *layer.lobes.unbind(1))
        x, y, radius, aspect, angle, power, two, turn_two, three, turn_three = (c.view(-1, 1, 1) for c in columns)
        dx, dy = self.x - x, self.y - y
        u, v = (angle.cos() * dx + angle.sin() * dy) / aspect, (angle.cos() * dy - angle.sin() * dx) * aspect
        azimuth = torch.atan2(v, u)
        edge = 1 + two * torch.sin(2 * azimuth + turn_two) + three * torch.sin(3 * azimuth + turn_three)
        distance: Tensor = (u.abs() ** power + v.abs() ** power) ** (1 / power)
        return distance < radius * edge


def photograph(image: Tensor, image_z: dict[str, Tensor], rng: torch.Generator) -> Tensor:
    """Blur an image, and give it grain, contrast and light: (B, 3, H, W) -> the same in [0, 1]."""
    blur, grain, contrast, light = (image_z[name].view(-1, 1, 1, 1) for name in ("blur", "grain", "contrast", "light"))
    kernel = image.new_tensor([1.0, 2.0, 1.0]) / 4
    kernel = (kernel.unsqueeze(1) * kernel).expand(3, 1, 3, 3)
    soft = nn.functional.conv2d(nn.functional.pad(image, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)
    image = image + (soft - image) * (0.4 + 0.6 * uniform(blur))
    noise = torch.randn(image.shape, generator=rng, device=image.device)
    image = image + 0.02 * uniform(grain) * noise
    mean = image.mean((1, 2, 3), keepdim=True)
    return ((image - mean) * torch.exp(0.25 * contrast) + mean + 0.08 * light).clamp(0, 1)
