"""Synthetic product-style images: one object on black.

The central object of `generators.images.dead_leaves` alone: a body with parts along its axis, textured and lit.
Products stand, hang or lie; most are symmetric, so that a tall object beside the middle becomes two legs. Public
knowledge: no photograph was looked at.

Shapes: B images, Z latent size, C channels (1 or 3), H = W pixels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from generators.images.canvas import Canvas, PaintedImages, by_name, photograph
from generators.images.dead_leaves import (
    ANGLE_STD,
    COLOUR_LATENTS,
    LEAF_LATENTS,
    N_PARTS,
    N_SCENE_COLOURS,
    PLACE_STD,
    central_object,
    natural_colours,
)

N_PAINTS = 2
"""Number of colours of the object."""
CUTOUT_LATENTS = ("parts", "right", "down", "angle", "scale", "tall", "apart", "blur", "contrast", "light", "grain")
"""Standard normal latent variables of each image, beside those of its parts and colours."""
SYMMETRIC_FRACTION = 0.6
"""Fraction of the objects that are mirror-symmetric."""
SCALE_SHIFT, OFFSET_FACTOR, ANGLE_FACTOR = 0.8, 0.3, 0.3
"""A product is shown large, in the middle and upright: what is added to the latent scale, and what its offset and
angle are multiplied by."""
SIDE_OFFSET_STD = 3.0
"""Standard deviation, in pixels, of the offset of each side of tall and symmetric objects from the middle."""
MIN_INTENSITY = 0.2
"""Lowest intensity of paint, before light and texture: a black object on black is invisible."""


class Cutouts(PaintedImages):
    """z -> one object on black; ``rng`` draws textures, and which objects are symmetric.

    Args:
        inputs: what the teacher is fed.
    """

    sizes = (N_PARTS * len(LEAF_LATENTS), len(CUTOUT_LATENTS), N_PAINTS * len(COLOUR_LATENTS))
    latent_size = sum(sizes)

    def paint(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """Turn z (B, Z) into images (B, 3, H, W) in [0, 1], padded as the teacher wants them."""
        of_parts, of_image, of_colours = torch.split(z, list(self.sizes), 1)
        symmetric = torch.rand(len(z), generator=rng, device=z.device) < SYMMETRIC_FRACTION
        image_z = pose(by_name(of_image, CUTOUT_LATENTS), symmetric)
        paints = natural_colours(of_colours.view(len(z), N_PAINTS, len(COLOUR_LATENTS))).clamp(min=MIN_INTENSITY)
        palette = torch.cat([z.new_zeros(len(z), N_SCENE_COLOURS, 3), paints], 1)  # in front, the colours of a scene
        canvas = Canvas(self.inputs.side, rng)
        image = z.new_zeros(len(z), 3, self.inputs.side, self.inputs.side)
        covered = torch.zeros_like(image[:, :1], dtype=torch.bool)
        for layer in central_object(by_name(of_parts.view(len(z), N_PARTS, len(LEAF_LATENTS)), LEAF_LATENTS), image_z):
            image = canvas.put(image, layer, palette)
            covered = covered | canvas.covered(layer).unsqueeze(1)
        mirrored = symmetric.view(-1, 1, 1, 1)
        image = torch.where(mirrored & ~covered, image.flip(-1), image)
        covered = torch.where(mirrored, covered | covered.flip(-1), covered)
        return self.inputs.padded(photograph(image, image_z, rng) * covered)


def pose(cutout_z: dict[str, Tensor], symmetric: Tensor) -> dict[str, Tensor]:
    """Pose objects as products are shown, half of them tall, the others wide: `CUTOUT_LATENTS`, (B,) each."""
    tall = cutout_z["tall"] > 0
    side_offset = torch.where(tall & symmetric, SIDE_OFFSET_STD * cutout_z["apart"], 0.0) / PLACE_STD
    return cutout_z | {
        "right": OFFSET_FACTOR * cutout_z["right"] + side_offset,
        "down": OFFSET_FACTOR * cutout_z["down"],
        "scale": SCALE_SHIFT + cutout_z["scale"],
        "angle": ANGLE_FACTOR * cutout_z["angle"] + torch.where(tall, 0.5 * math.pi, 0.0) / ANGLE_STD,
    }
