"""Pseudo-photographs of objects: dead leaves with sketches of vehicles, ships and animals in the middle.

The sketches come from public knowledge (`generators.images.object_parts`). Each has proportions, colours, a side, a
place and a scene of its own. Which class a sketch belongs to is for the teacher to say.

Shapes: B images, Z latent size, C channels (1 or 3), H = W pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from generators.images.canvas import Canvas, Layer, PaintedImages, by_name, photograph, uniform
from generators.images.dead_leaves import (
    COLOUR_LATENTS,
    IMAGE_LATENTS,
    LEAF_LATENTS,
    N_LEAVES,
    N_SCENE_COLOURS,
    make_layer,
    natural_colours,
    place_leaves,
)
from generators.images.object_parts import OBJECT_KINDS, PALETTE_INDEX, PART_COLUMNS, load_parts, parse_colours
from zskt.images.inputs import ImageInputs

OBJECT_LATENTS = ("right", "down", "size", "length", "tilt")
"""Standard normal latent variables of the object in each image."""
SCENE_SHIFTS = {"leaves": -1.6, "blur": -0.7, "contrast": 0.3, "sky": 0.8}
"""Shifts of the latent variables of dead leaves: photographs of an object have fewer leaves around it, are sharper, and
more often have a horizon."""
PLAIN_SCENE_SHIFTS = {"ground": -1.5}
"""Further shifts for most objects without texture: vehicles, and what flies, have a plain background."""
CHANNELS = ("red", "green", "blue")
"""Latent variables of a colour that shift its channels."""
LUMINANCE_STDS = (0.07, 0.07, 0.12, 0.12, 0.12, 0.08, 0.08, 0.07, 0.07)
HUE_STDS = (0.05, 0.05, 0.05, 0.05, 0.05, 0.04, 0.04, 0.03, 0.03)
"""Standard deviations of the luminance, and of each channel, of each colour of the palette."""
ANY_COLOUR_PROBABILITY = 0.15
"""Probability that the scene, or the object, has random colours instead of its own."""


class Objects(PaintedImages):
    """z -> pseudo-photographs; ``rng`` draws kinds of objects, scenes, colours and textures.

    Args:
        inputs: what the teacher is fed.
    """

    palette_size = N_SCENE_COLOURS + 4
    """Number of colours: those of the scene, two of the object, dark and light."""
    table: Tensor
    paints: Tensor
    tones: Tensor
    scenes: Tensor
    smooth: Tensor
    tilts: Tensor

    def __init__(self, inputs: ImageInputs) -> None:
        super().__init__(inputs)
        table, paints = load_parts()
        buffers = {
            "table": table,
            "paints": paints,
            "tones": parse_colours([kind.tones for kind in OBJECT_KINDS]),
            "scenes": parse_colours([kind.scenes for kind in OBJECT_KINDS]),
            "smooth": torch.tensor([kind.smooth for kind in OBJECT_KINDS]),
            "tilts": torch.tensor([kind.tilt for kind in OBJECT_KINDS]),
        }
        for name, tensor in buffers.items():
            self.register_buffer(name, tensor, persistent=False)
        self.layers = N_LEAVES + table.shape[1]
        self.sizes = [
            self.layers * len(LEAF_LATENTS),
            len(IMAGE_LATENTS),
            len(OBJECT_LATENTS),
            self.palette_size * len(COLOUR_LATENTS),
        ]
        self.latent_size = sum(self.sizes)

    def paint(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """Turn z (B, Z) into photographs (B, 3, H, W) of random kinds of objects, in [0, 1]."""
        kind = torch.randint(len(OBJECT_KINDS), (len(z),), generator=rng, device=z.device)
        return self.photograph(z, kind, rng)

    def photograph(self, z: Tensor, kind: Tensor, rng: torch.Generator) -> Tensor:
        """Turn z (B, Z) and the index in `OBJECT_KINDS` (B,) into photographs (B, 3, H, W) in [0, 1]."""
        of_layers, of_image, of_object, of_colours = torch.split(z, self.sizes, 1)
        layers = by_name(of_layers.view(len(z), self.layers, len(LEAF_LATENTS)), LEAF_LATENTS)
        image_z = by_name(of_image, IMAGE_LATENTS)
        for name, shift in SCENE_SHIFTS.items():
            image_z[name] = image_z[name] + shift
        plain = self.smooth[kind] & (torch.rand(len(z), generator=rng, device=z.device) < 0.7)
        for name, shift in PLAIN_SCENE_SHIFTS.items():
            image_z[name] = torch.where(plain, image_z[name] + shift, image_z[name])
        palette = self.palette(kind, of_colours.view(len(z), self.palette_size, len(COLOUR_LATENTS)), rng)
        canvas = self.canvas(rng)
        image = canvas.background(image_z, palette)
        for layer in (*place_leaves(layers, image_z), *self.sketch(kind, layers, by_name(of_object, OBJECT_LATENTS))):
            image = canvas.put(image, layer, palette)
        return photograph(image, image_z, rng)

    def canvas(self, rng: torch.Generator) -> Canvas:
        """Return what an image is painted on."""
        return Canvas(self.inputs.size, rng)

    def palette(self, kind: Tensor, z: Tensor, rng: torch.Generator) -> Tensor:
        """Draw colours (B, colours, 3) in [0, 1]: of a scene where such an object is met, and of the object.

        Args:
            kind: index in `OBJECT_KINDS`, (B,).
            z: `COLOUR_LATENTS` of each colour, (B, colours, 5).
        """

        def pick(of_kind: Tensor) -> Tensor:
            return of_kind[kind, torch.randint(of_kind.shape[1], kind.shape, generator=rng, device=z.device)]

        def chance(probability: float, n: int) -> Tensor:
            return torch.rand(len(kind), n, 1, generator=rng, device=z.device) < probability

        scene = pick(self.scenes)[:, [0, 1, 0, 1, 0]]
        scene_known = chance(1 - ANY_COLOUR_PROBABILITY, 1)
        scene_known = scene_known & torch.cat([chance(1.0, 2), chance(0.6, N_SCENE_COLOURS - 2)], 1)
        tones = torch.stack([pick(self.tones), pick(self.tones)], 1)
        object_known = chance(1 - ANY_COLOUR_PROBABILITY, 2)
        dark_light = z.new_tensor([[0.1], [0.88]]).expand(len(kind), 2, 3)
        colour_z = by_name(z, COLOUR_LATENTS)
        light, hue = colour_z["luminance"].unsqueeze(-1), torch.stack([colour_z[name] for name in CHANNELS], -1)
        colours = torch.cat([scene, tones, dark_light], 1) + z.new_tensor(LUMINANCE_STDS).view(-1, 1) * light
        colours = colours + z.new_tensor(HUE_STDS).view(-1, 1) * hue
        known = torch.cat([scene_known, object_known, torch.ones_like(object_known)], 1)
        palette = torch.where(known, colours, natural_colours(z))
        like_body = palette[:, PALETTE_INDEX["body"]] + 0.1 * light[:, PALETTE_INDEX["second"]]
        second = palette[:, PALETTE_INDEX["second"]]
        palette[:, PALETTE_INDEX["second"]] = torch.where(chance(0.4, 1)[:, 0], like_body, second)
        return palette.clamp(0, 1)

    def sketch(self, kind: Tensor, layers: dict[str, Tensor], object_z: dict[str, Tensor]) -> Iterator[Layer]:
        """Draw the object part by part, the last on top.

        Args:
            kind: index in `OBJECT_KINDS`, (B,).
            layers: `LEAF_LATENTS`, (B, layers) each: leaves, then parts.
            object_z: `OBJECT_LATENTS`, (B,) each.
        """
        size, stretch = 12 + 4 * uniform(object_z["size"]), torch.exp(0.15 * object_z["length"])
        tilt = self.tilts[kind] * object_z["tilt"]
        facing = torch.where(layers["turn_b"][:, 0] > 0, 1.0, -1.0)  # to the right, or to the left
        for k in range(self.table.shape[1]):
            z = {name: value[:, N_LEAVES + k] for name, value in layers.items()}
            part = by_name(self.table[kind, k], PART_COLUMNS)
            x, y = facing * stretch * (part["x"] + 0.035 * z["x"]), part["y"] + 0.035 * z["y"]
            along = part["angle"].cos().abs()  # 1 where the part lies along the object, 0 across
            long = part["long"] * torch.exp(0.1 * z["size"]) * stretch**along
            wide = part["wide"] * torch.exp(0.1 * z["aspect"]) * stretch ** (1 - along)
            angle = part["angle"] + 0.085 * z["angle"]
            present = uniform(z["colour"]) < part["often"]
            lobes = torch.stack([0.02 * z["lobes_a"], z["turn_a"], part["corner"], torch.full_like(x, math.pi / 2)], -1)
            faint_z = {name: 0.3 * z[name] for name in CHANNELS}
            layer = make_layer(
                z | faint_z,
                x=1.5 * object_z["right"] + size * (x * tilt.cos() - y * tilt.sin()),
                y=1.5 * object_z["down"] + size * (x * tilt.sin() + y * tilt.cos()),
                radius=torch.where(present, size * (long * wide).sqrt(), -1.0),
                aspect=(long / wide.clamp(min=1e-6)).clamp(1e-3, 1e3).sqrt(),
                angle=torch.where(facing > 0, angle, math.pi - angle) + tilt,
                power=(part["power"] * torch.exp(0.07 * z["roundness"])).clamp(min=0.8),
                lobes=lobes,
                paint=self.paints[kind, k],
            )
            yield layer._replace(texture=layer.texture * torch.where(self.smooth[kind], 0.5, 1.0))
