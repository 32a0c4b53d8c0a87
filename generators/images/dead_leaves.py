"""Pseudo-photographs by the dead-leaves model: shapes in front of shapes, lit, textured, slightly out of focus.

Public knowledge alone: nothing here has seen a photograph. Leaves of any size fall on a background and hide what lies
below ("dead leaves": D. Mumford and B. Gidas, "Stochastic models for generic images", Q. Appl. Math. 59 (2001) 85).
Textures have the power spectra of natural scenes (D. J. Field, J. Opt. Soc. Am. A 4 (1987) 2379). In the middle
stands an object of several parts in few colours. M. Baradad et al., "Learning to see by looking at noise",
arXiv:2106.05963, train networks on such images.

Shapes: B images, Z latent size, L leaves, C channels (1 or 3), H = W pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from generators.images.canvas import Canvas, Layer, PaintedImages, by_name, photograph, uniform

N_LEAVES, N_PARTS, N_SCENE_COLOURS = 20, 7, 5
"""Most leaves, most parts of the object, and number of colours of the background and its leaves."""
LEAF_LATENTS = (
    "x", "y", "size", "aspect", "angle", "roundness", "lobes_a", "lobes_b", "turn_a", "turn_b",
    "colour", "red", "green", "blue", "shade_x", "shade_y", "texture",
)  # fmt: skip
"""Standard normal latent variables of each leaf, and of each part of the object in the middle."""
IMAGE_LATENTS = (
    "leaves", "parts", "right", "down", "angle", "scale", "sky", "horizon", "ground", "blur", "contrast", "light",
    "grain",
)  # fmt: skip
"""Standard normal latent variables of each image."""
PLACE_STD, ANGLE_STD = 2.5, 0.35
"""Standard deviations of the object's distance from the middle, in pixels, and of its angle, in radians."""
COLOUR_LATENTS = ("luminance", "strength", "red", "green", "blue")
"""Standard normal latent variables of each colour of the palette."""


class DeadLeaves(PaintedImages):
    """z -> pseudo-photographs; geometry and colours are the latent's, ``rng`` draws textures alone.

    Args:
        inputs: what the teacher is fed.
    """

    n_colours = N_SCENE_COLOURS + 2
    """Number of colours: those of the background, and two of the object."""
    latent_size = (N_LEAVES + N_PARTS) * len(LEAF_LATENTS) + len(IMAGE_LATENTS) + n_colours * len(COLOUR_LATENTS)

    def paint(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """Turn z (B, Z) into photographs (B, 3, H, W) in [0, 1]."""
        sizes = [(N_LEAVES + N_PARTS) * len(LEAF_LATENTS), len(IMAGE_LATENTS), self.n_colours * len(COLOUR_LATENTS)]
        of_leaves, of_image, of_colours = torch.split(z, sizes, 1)
        leaves = by_name(of_leaves.view(len(z), N_LEAVES + N_PARTS, len(LEAF_LATENTS)), LEAF_LATENTS)
        image_z = by_name(of_image, IMAGE_LATENTS)
        palette = natural_colours(of_colours.view(len(z), self.n_colours, len(COLOUR_LATENTS)))
        canvas = Canvas(self.inputs.size, rng)
        image = canvas.background(image_z, palette)
        parts = {name: value[:, N_LEAVES:] for name, value in leaves.items()}
        for layer in (*place_leaves(leaves, image_z), *central_object(parts, image_z)):
            image = canvas.put(image, layer, palette)
        return photograph(image, image_z, rng)


def natural_colours(z: Tensor) -> Tensor:
    """Turn z (B, colours, 5) into colours (B, colours, 3) in [0, 1].

    Natural scenes vary in luminance most, and least along green.
    """
    colour_z = by_name(z, COLOUR_LATENTS)
    chroma = torch.stack([colour_z["red"], 0.6 * colour_z["green"], colour_z["blue"]], -1)
    strength = 0.18 * uniform(colour_z["strength"]).unsqueeze(-1)
    return (uniform(colour_z["luminance"]).unsqueeze(-1) + strength * chroma).clamp(0, 1)


def make_layer(leaf_z: dict[str, Tensor], **fields: Tensor) -> Layer:
    """Make a layer from its latent variables (B,) each, and from ``fields`` that its kind decides."""
    turn = [2 * math.pi * uniform(leaf_z[name]) for name in ("turn_a", "turn_b")]
    common = {
        "lobes": torch.stack([0.12 * leaf_z["lobes_a"], turn[0], 0.12 * leaf_z["lobes_b"], turn[1]], -1),
        "tint": 0.07 * torch.stack([leaf_z["red"], leaf_z["green"], leaf_z["blue"]], -1),
        "shade": 0.25 * torch.stack([leaf_z["shade_x"], leaf_z["shade_y"]], -1),
        "texture": 0.13 * uniform(leaf_z["texture"]),
        "slope": 0.5 + 1.3 * uniform(-leaf_z["texture"]),
    }
    return Layer(**(common | fields))


def place_leaves(leaves: dict[str, Tensor], image_z: dict[str, Tensor]) -> Iterator[Layer]:
    """Place the leaves of the background, the last on top: their number varies, their areas follow a power law."""
    count = N_LEAVES * uniform(image_z["leaves"]).square()
    for i in range(N_LEAVES):
        leaf_z = {name: value[:, i] for name, value in leaves.items()}
        radius = (2.2 * (1 - 0.97 * uniform(leaf_z["size"])).rsqrt()).clamp(max=20)
        yield make_layer(
            leaf_z,
            x=11 * leaf_z["x"],
            y=11 * leaf_z["y"],
            radius=torch.where(i < count, radius, -1.0),
            aspect=torch.exp(0.3 * leaf_z["aspect"]),
            angle=math.pi * uniform(leaf_z["angle"]),
            power=1.2 + 4 * uniform(leaf_z["roundness"]),
            paint=(N_SCENE_COLOURS * uniform(leaf_z["colour"])).long().clamp(max=N_SCENE_COLOURS - 1),
        )


def central_object(parts: dict[str, Tensor], image_z: dict[str, Tensor]) -> Iterator[Layer]:
    """Place the object in the middle: a body, and parts about it along the same axis, of two colours."""
    count, angle = 1 + N_PARTS * uniform(image_z["parts"]), ANGLE_STD * image_z["angle"]
    size = 5 + 7 * uniform(image_z["scale"])
    for k in range(N_PARTS):
        leaf_z = {name: value[:, k] for name, value in parts.items()}
        body = k == 0
        along, across = (0.0, 0.0) if body else (0.8 * leaf_z["x"], 0.5 * leaf_z["y"])
        share = torch.exp(0.2 * leaf_z["size"]) if body else 0.15 + 0.5 * uniform(leaf_z["size"])
        part_angle = 0.0 if body else torch.where(leaf_z["angle"] > 0, leaf_z["angle"], 0.0)
        second = torch.zeros_like(angle) if body else (leaf_z["colour"] > 0.5).float()
        yield make_layer(
            leaf_z,
            x=PLACE_STD * image_z["right"] + size * (along * angle.cos() - across * angle.sin()),
            y=PLACE_STD * image_z["down"] + size * (along * angle.sin() + across * angle.cos()),
            radius=torch.where(k < count, size * share, -1.0),
            aspect=torch.exp(0.25 + 0.35 * leaf_z["aspect"] if body else 0.45 * leaf_z["aspect"]),
            angle=angle + part_angle,
            power=1.5 + 6 * uniform(leaf_z["roundness"]).square(),
            paint=N_SCENE_COLOURS + second.long(),
        )
