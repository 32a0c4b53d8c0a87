"""Objects cut out, on black: what goods look like in a catalogue, for teachers of pictures of one thing each.

The thing in the middle of `generators.leaves` alone: a body with parts along its axis, textured and lit. Goods stand,
hang or lie; most are alike on both sides, so that a tall one out of the middle has two legs. Public knowledge, no
photograph was looked at.

Shapes: B images, Z latent size, C channels (1 or 3), H = W pixels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from generators.images.canvas import Canvas, photograph
from generators.images.dead_leaves import (
    OF_COLOUR,
    OF_LEAF,
    PALETTE,
    PARTS,
    PLACE,
    TURN,
    colours_of,
    named,
    thing,
    to_input,
)
from zskt.contracts import PseudoBatch
from zskt.generator import Generator
from zskt.images.inputs import ImageInputs

COLOURS = 2
OF_CUTOUT = ("parts", "right", "down", "angle", "scale", "tall", "apart", "blur", "contrast", "light", "grain")
"""Standard normal latent variables of each image, beside those of each part and of each colour."""
SYMMETRIC = 0.6
"""Share of the things that are as wide to the left as to the right."""
LARGER, CENTRED, UPRIGHT = 0.8, 0.3, 0.3
"""A picture of one thing shows it large, in the middle, and upright: added to, and multiplied with, the latent's."""
APART = 3.0
"""Pixels: how far out of the middle the sides of what is tall and symmetric stand, a standard deviation."""
LEAST = 0.2
"""Intensity of its paint, before light and texture: on black a black thing is not seen."""


class Cutouts(Generator):
    """z -> one thing on black; ``rng`` draws textures, and which things are symmetric.

    Args:
        inputs: what the teacher is fed.
    """

    sizes = (PARTS * len(OF_LEAF), len(OF_CUTOUT), COLOURS * len(OF_COLOUR))
    latent_size = sum(sizes)

    def __init__(self, inputs: ImageInputs) -> None:
        super().__init__()
        self.inputs = inputs

    @torch.no_grad()
    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """z (B, Z) -> x (B, C, H, W)."""
        of_parts, of_image, of_colours = torch.split(z, list(self.sizes), 1)
        both = torch.rand(len(z), generator=rng, device=z.device) < SYMMETRIC
        whole = posed(named(of_image, OF_CUTOUT), both)
        paints = colours_of(of_colours.view(len(z), COLOURS, len(OF_COLOUR))).clamp(min=LEAST)
        palette = torch.cat([z.new_zeros(len(z), PALETTE, 3), paints], 1)  # in front, the colours of a scene
        canvas = Canvas(self.inputs.side, rng)
        image = z.new_zeros(len(z), 3, self.inputs.side, self.inputs.side)
        there = torch.zeros_like(image[:, :1], dtype=torch.bool)
        for layer in thing(named(of_parts.view(len(z), PARTS, len(OF_LEAF)), OF_LEAF), whole):
            image = canvas.put(image, layer, palette)
            there = there | canvas.covered(layer).unsqueeze(1)
        mirrored = both.view(-1, 1, 1, 1)
        image = torch.where(mirrored & ~there, image.flip(-1), image)
        there = torch.where(mirrored, there | there.flip(-1), there)
        return to_input(self.inputs.padded(photograph(image, whole, rng) * there), self.inputs)


def posed(own: dict[str, Tensor], symmetric: Tensor) -> dict[str, Tensor]:
    """`OF_CUTOUT` (B,) each -> the same as goods are shown: half of them tall, the others wide."""
    tall = own["tall"] > 0
    apart = torch.where(tall & symmetric, APART * own["apart"], 0.0) / PLACE
    return own | {
        "right": CENTRED * own["right"] + apart,
        "down": CENTRED * own["down"],
        "scale": LARGER + own["scale"],
        "angle": UPRIGHT * own["angle"] + torch.where(tall, 0.5 * math.pi, 0.0) / TURN,
    }
