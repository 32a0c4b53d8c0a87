"""Photographs from public knowledge of the world: things in front of things, lit, textured, slightly out of focus.

What `generators.shower` is to jets: nothing here has seen a photograph. DeadLeaves of any size fall on a background and
hide what lies below ("dead leaves": D. Mumford and B. Gidas, "Stochastic models for generic images", Q. Appl. Math. 59
(2001) 85); textures have the power spectra of natural scenes (D. J. Field, J. Opt. Soc. Am. A 4 (1987) 2379); in the
middle stands a thing of several parts in few colours. M. Baradad et al., "Learning to see by looking at noise",
arXiv:2106.05963, train networks on such images.

Shapes: B images, Z latent size, L leaves, C channels (1 or 3), H = W pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from generators.images.canvas import Canvas, Layer, photograph, uniform
from zskt.contracts import PseudoBatch
from zskt.generator import Generator
from zskt.images.inputs import ImageInputs

LEAVES, PARTS, PALETTE = 20, 7, 5
OF_LEAF = (
    "x", "y", "size", "aspect", "angle", "roundness", "lobes_a", "lobes_b", "turn_a", "turn_b",
    "colour", "red", "green", "blue", "shade_x", "shade_y", "texture",
)  # fmt: skip
"""Standard normal latent variables of each leaf, and of each part of the thing in the middle."""
OF_IMAGE = (
    "leaves", "parts", "right", "down", "angle", "scale", "sky", "horizon", "ground", "blur", "contrast", "light",
    "grain",
)  # fmt: skip
PLACE, TURN = 2.5, 0.35
"""Of the thing in the middle: pixels from there, and radians, a standard deviation."""
OF_COLOUR = ("luminance", "strength", "red", "green", "blue")


class DeadLeaves(Generator):
    """z -> pseudo-photographs; geometry and colours are the latent's, ``rng`` draws textures alone.

    Args:
        inputs: what the teacher is fed.
    """

    colours = PALETTE + 2
    """The background's, and those of the thing."""
    latent_size = (LEAVES + PARTS) * len(OF_LEAF) + len(OF_IMAGE) + colours * len(OF_COLOUR)

    def __init__(self, inputs: ImageInputs) -> None:
        super().__init__()
        self.inputs = inputs

    @torch.no_grad()
    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """z (B, Z) -> x (B, C, H, W)."""
        sizes = [(LEAVES + PARTS) * len(OF_LEAF), len(OF_IMAGE), self.colours * len(OF_COLOUR)]
        of_leaves, of_image, of_colours = torch.split(z, sizes, 1)
        leaves = named(of_leaves.view(len(z), LEAVES + PARTS, len(OF_LEAF)), OF_LEAF)
        whole, palette = named(of_image, OF_IMAGE), colours_of(of_colours.view(len(z), self.colours, len(OF_COLOUR)))
        canvas = Canvas(self.inputs.size, rng)
        image = canvas.background(whole, palette)
        parts = {name: value[:, LEAVES:] for name, value in leaves.items()}
        for layer in (*place_leaves(leaves, whole), *thing(parts, whole)):
            image = canvas.put(image, layer, palette)
        return to_input(photograph(image, whole, rng), self.inputs)


def to_input(image: Tensor, inputs: ImageInputs) -> PseudoBatch:
    """(B, 3, H, W) in [0, 1] as the teacher is fed it, grey where it takes one channel."""
    return PseudoBatch((inputs.normalised(image if inputs.channels == 3 else image.mean(1, keepdim=True)),))


def named(z: Tensor, names: tuple[str, ...]) -> dict[str, Tensor]:
    """(..., names) -> (...) each."""
    return dict(zip(names, z.unbind(-1), strict=True))


def colours_of(z: Tensor) -> Tensor:
    """(B, colours, 3) in [0, 1]: natural scenes vary in luminance most, and least along green."""
    own = named(z, OF_COLOUR)
    chroma = torch.stack([own["red"], 0.6 * own["green"], own["blue"]], -1)
    strength = 0.18 * uniform(own["strength"]).unsqueeze(-1)
    return (uniform(own["luminance"]).unsqueeze(-1) + strength * chroma).clamp(0, 1)


def layer_of(own: dict[str, Tensor], **given: Tensor) -> Layer:
    """What all leaves have in common; ``own`` are (B,) each."""
    turn = [2 * math.pi * uniform(own[name]) for name in ("turn_a", "turn_b")]
    common = {
        "lobes": torch.stack([0.12 * own["lobes_a"], turn[0], 0.12 * own["lobes_b"], turn[1]], -1),
        "tint": 0.07 * torch.stack([own["red"], own["green"], own["blue"]], -1),
        "shade": 0.25 * torch.stack([own["shade_x"], own["shade_y"]], -1),
        "texture": 0.13 * uniform(own["texture"]),
        "slope": 0.5 + 1.3 * uniform(-own["texture"]),
    }
    return Layer(**(common | given))


def place_leaves(leaves: dict[str, Tensor], whole: dict[str, Tensor]) -> Iterator[Layer]:
    """What lies in the background, the last on top: their number varies, their areas follow a power law."""
    count = LEAVES * uniform(whole["leaves"]).square()
    for i in range(LEAVES):
        own = {name: value[:, i] for name, value in leaves.items()}
        radius = (2.2 * (1 - 0.97 * uniform(own["size"])).rsqrt()).clamp(max=20)
        yield layer_of(
            own,
            x=11 * own["x"],
            y=11 * own["y"],
            radius=torch.where(i < count, radius, -1.0),
            aspect=torch.exp(0.3 * own["aspect"]),
            angle=math.pi * uniform(own["angle"]),
            power=1.2 + 4 * uniform(own["roundness"]),
            paint=(PALETTE * uniform(own["colour"])).long().clamp(max=PALETTE - 1),
        )


def thing(parts: dict[str, Tensor], whole: dict[str, Tensor]) -> Iterator[Layer]:
    """What stands in the middle: a body, and parts about it along the same axis, of two colours."""
    count, angle = 1 + PARTS * uniform(whole["parts"]), TURN * whole["angle"]
    size = 5 + 7 * uniform(whole["scale"])
    for k in range(PARTS):
        own = {name: value[:, k] for name, value in parts.items()}
        body = k == 0
        along, across = (0.0, 0.0) if body else (0.8 * own["x"], 0.5 * own["y"])
        share = torch.exp(0.2 * own["size"]) if body else 0.15 + 0.5 * uniform(own["size"])
        own_angle = 0.0 if body else torch.where(own["angle"] > 0, own["angle"], 0.0)
        second = torch.zeros_like(angle) if body else (own["colour"] > 0.5).float()
        yield layer_of(
            own,
            x=PLACE * whole["right"] + size * (along * angle.cos() - across * angle.sin()),
            y=PLACE * whole["down"] + size * (along * angle.sin() + across * angle.cos()),
            radius=torch.where(k < count, size * share, -1.0),
            aspect=torch.exp(0.25 + 0.35 * own["aspect"] if body else 0.45 * own["aspect"]),
            angle=angle + own_angle,
            power=1.5 + 6 * uniform(own["roundness"]).square(),
            paint=PALETTE + second.long(),
        )
