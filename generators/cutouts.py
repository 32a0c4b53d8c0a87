"""Things cut out, on black: what goods look like in a catalogue, for teachers of grey pictures of one thing each.

The thing in the middle of `generators.leaves` alone: a body with parts along its axis, textured and lit. Most goods are
alike on both sides, and stand or hang upright. Public knowledge, no photograph was looked at.

Shapes: B images, Z latent size, C channels (1 or 3), H = W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from teachers.images import ImageInputs

from .canvas import Canvas, developed
from .draw import Draw
from .leaves import OF_COLOUR, OF_IMAGE, OF_LEAF, PALETTE, PARTS, colours_of, named, printed, thing

COLOURS = PALETTE + 2
SYMMETRIC = 0.6
"""Share of the things that are as wide to the left as to the right."""
LARGER, CENTRED, UPRIGHT = 0.8, 0.3, 0.3
"""A picture of one thing shows it large, in the middle, and upright: added to, and multiplied with, the latent's."""
LEAST = 0.2
"""Intensity of the thing: on black a black one is not seen."""


class Cutouts(nn.Module):
    """z -> one thing on black; ``rng`` draws textures, and which things are symmetric.

    Args:
        inputs: what the teacher is fed.
    """

    latent_size = PARTS * len(OF_LEAF) + len(OF_IMAGE) + COLOURS * len(OF_COLOUR)
    acceptance = 1.0

    def __init__(self, inputs: ImageInputs) -> None:
        super().__init__()
        self.inputs = inputs

    @torch.no_grad()
    def forward(self, z: Tensor, rng: torch.Generator) -> Draw:
        """z (B, Z) -> x (B, C, H, W)."""
        sizes = [PARTS * len(OF_LEAF), len(OF_IMAGE), COLOURS * len(OF_COLOUR)]
        of_parts, of_image, of_colours = torch.split(z, sizes, 1)
        whole, palette = named(of_image, OF_IMAGE), colours_of(of_colours.view(len(z), COLOURS, len(OF_COLOUR)))
        posed = {name: CENTRED * whole[name] for name in ("right", "down")}
        whole |= posed | {"angle": UPRIGHT * whole["angle"], "scale": LARGER + whole["scale"]}
        canvas = Canvas(self.inputs.size, rng)
        image = z.new_zeros(len(z), 3, self.inputs.size, self.inputs.size)
        there = torch.zeros_like(image[:, :1], dtype=torch.bool)
        for layer in thing(named(of_parts.view(len(z), PARTS, len(OF_LEAF)), OF_LEAF), whole):
            image = canvas.put(image, layer, palette.clamp(min=LEAST))
            there = there | canvas.covered(layer).unsqueeze(1)
        both = torch.rand(len(z), 1, 1, 1, generator=rng, device=z.device) < SYMMETRIC
        image = torch.where(both & ~there, image.flip(-1), image)
        there = torch.where(both, there | there.flip(-1), there)
        return printed(developed(image, whole, rng) * there, self.inputs)
