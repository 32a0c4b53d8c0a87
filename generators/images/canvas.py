"""How the leaves of `generators.leaves` are painted: on top of each other, textured and lit, then photographed.

Shapes: B images, H = W pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

UNIT = 32
"""Lengths are given for images of so many pixels, and scale with larger ones."""


def uniform(z: Tensor) -> Tensor:
    """In (0, 1), of standard normal numbers."""
    found: Tensor = torch.special.ndtr(z)
    return found


class Layer(NamedTuple):
    """One leaf of every image; each (B,) unless said. Lengths in pixels."""

    x: Tensor
    y: Tensor
    radius: Tensor
    """Negative where there is none."""
    aspect: Tensor
    angle: Tensor
    power: Tensor
    """Of the superellipse: 1 is a rhombus, 2 an ellipse, more is nearly a rectangle."""
    lobes: Tensor
    """(B, 4): strength and selection of two and of three lobes."""
    paint: Tensor
    """Which colour of the palette."""
    tint: Tensor
    """(B, 3), added to it."""
    shade: Tensor
    """(B, 2): change of intensity across the image."""
    texture: Tensor
    """Its standard deviation."""
    slope: Tensor
    """Amplitudes of the texture fall as frequency to minus this power."""


class Canvas:
    """Square images, and what is painted on them.

    Args:
        size: H = W.
        rng: of textures.
    """

    def __init__(self, size: int, rng: torch.Generator) -> None:
        self.rng, self.size = rng, size
        line = (torch.arange(size, device=rng.device) - (size - 1) / 2) * UNIT / size
        self.x, self.y = line.view(1, 1, -1), line.view(1, -1, 1)
        frequency = torch.fft.fftfreq(size, device=rng.device)
        self.frequency = torch.hypot(frequency.unsqueeze(1), frequency).clamp(min=1 / size)  # (H, W)

    def noise(self, slope: Tensor) -> Tensor:
        """Textures (B, H, W) of unit variance, amplitudes falling as frequency^-slope."""
        phases = torch.randn(len(slope), self.size, self.size, 2, generator=self.rng, device=slope.device)
        amplitude = self.frequency ** -slope.view(-1, 1, 1)
        field: Tensor = torch.fft.ifft2(torch.view_as_complex(phases) * amplitude).real
        field = field - field.mean((1, 2), keepdim=True)
        return field / field.std((1, 2), keepdim=True).clamp(min=1e-6)

    def background(self, whole: dict[str, Tensor], palette: Tensor) -> Tensor:
        """From one colour above to another below, with a texture: (B, 3, H, W)."""
        steepness = 0.2 * uniform(whole["sky"]).view(-1, 1, 1)
        below = torch.sigmoid(steepness * self.y + 2 * whole["horizon"].view(-1, 1, 1)).unsqueeze(1)
        above, under = (palette[:, i, :, None, None] for i in (0, 1))
        texture = 0.15 * uniform(whole["ground"]).view(-1, 1, 1) * self.noise(0.7 + uniform(-whole["ground"]))
        return above * (1 - below) + under * below + texture.unsqueeze(1)

    def put(self, image: Tensor, leaf: Layer, palette: Tensor) -> Tensor:
        """A leaf on top of the image (B, 3, H, W)."""
        paint = palette[torch.arange(len(palette), device=palette.device), leaf.paint] + leaf.tint
        shade = (leaf.shade[:, :1, None] * self.x + leaf.shade[:, 1:, None] * self.y) / UNIT
        texture = leaf.texture.view(-1, 1, 1) * self.noise(leaf.slope)
        painted = (paint[..., None, None] + (shade + texture).unsqueeze(1)).clamp(-0.2, 1.2)
        return torch.where(self.covered(leaf).unsqueeze(1), painted, image)

    def covered(self, leaf: Layer) -> Tensor:
        """Which pixels lie on it: (B, H, W) of bool."""
        columns = (leaf.x, leaf.y, leaf.radius, leaf.aspect, leaf.angle, leaf.power, *leaf.lobes.unbind(1))
        x, y, radius, aspect, angle, power, two, turn_two, three, turn_three = (c.view(-1, 1, 1) for c in columns)
        dx, dy = self.x - x, self.y - y
        u, v = (angle.cos() * dx + angle.sin() * dy) / aspect, (angle.cos() * dy - angle.sin() * dx) * aspect
        around = torch.atan2(v, u)
        edge = 1 + two * torch.sin(2 * around + turn_two) + three * torch.sin(3 * around + turn_three)
        away: Tensor = (u.abs() ** power + v.abs() ** power) ** (1 / power)
        return away < radius * edge


def photograph(image: Tensor, whole: dict[str, Tensor], rng: torch.Generator) -> Tensor:
    """Out of focus, with contrast, light and grain of its own: (B, 3, H, W) in [0, 1]."""
    blur, grain, contrast, light = (whole[name].view(-1, 1, 1, 1) for name in ("blur", "grain", "contrast", "light"))
    kernel = image.new_tensor([1.0, 2.0, 1.0]) / 4
    kernel = (kernel.unsqueeze(1) * kernel).expand(3, 1, 3, 3)
    soft = nn.functional.conv2d(nn.functional.pad(image, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)
    image = image + (soft - image) * (0.4 + 0.6 * uniform(blur))
    noise = torch.randn(image.shape, generator=rng, device=image.device)
    image = image + 0.02 * uniform(grain) * noise
    mean = image.mean((1, 2, 3), keepdim=True)
    return ((image - mean) * torch.exp(0.25 * contrast) + mean + 0.08 * light).clamp(0, 1)
