"""Photographs of things of the world: `generators.leaves` with sketches of vehicles, ships and animals in the middle.

Public knowledge of what the world is made of (`generators.blueprints`), for teachers of such things: each sketch has
proportions, colours, a side, a place and a scene of its own. What it is taken for, the teacher says.

Shapes: B images, Z latent size, C channels (1 or 3), H = W pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from generators.images.canvas import Canvas, Layer, photograph, uniform
from generators.images.dead_leaves import (
    LEAVES,
    OF_COLOUR,
    OF_IMAGE,
    OF_LEAF,
    PALETTE,
    colours_of,
    layer_of,
    named,
    place_leaves,
    to_input,
)
from generators.images.object_parts import KINDS, NUMBERS, ROLES, colours, parts
from zskt.contracts import PseudoBatch
from zskt.generator import Generator
from zskt.images.inputs import ImageInputs

OF_THING = ("right", "down", "size", "length", "tilt")
MOOD = {"leaves": -1.6, "blur": -0.7, "contrast": 0.3, "sky": 0.8}
"""Photographs of a thing have fewer things around it, are sharper, and more often have a horizon."""
SMOOTH = {"ground": -1.5}
"""And most of those of vehicles and of the sky a plain background, too."""
RGB = ("red", "green", "blue")
LIGHT = (0.07, 0.07, 0.12, 0.12, 0.12, 0.08, 0.08, 0.07, 0.07)
HUE = (0.05, 0.05, 0.05, 0.05, 0.05, 0.04, 0.04, 0.03, 0.03)
"""How far each colour of the palette varies in luminance, and in each of red, green and blue: standard deviations."""
WILD = 0.15
"""Probability that scene or paint have any colour at all."""


class Objects(Generator):
    """z -> pseudo-photographs; ``rng`` draws which thing in which scene, its colours, and textures.

    Args:
        inputs: what the teacher is fed.
    """

    palette_size = PALETTE + 4
    """The scene's, the two of the thing, dark and light."""
    table: Tensor
    paints: Tensor
    tones: Tensor
    scenes: Tensor
    smooth: Tensor
    tilts: Tensor

    def __init__(self, inputs: ImageInputs) -> None:
        super().__init__()
        self.inputs = inputs
        table, paints = parts()
        kept = {
            "table": table,
            "paints": paints,
            "tones": colours([kind.tones for kind in KINDS]),
            "scenes": colours([kind.scenes for kind in KINDS]),
            "smooth": torch.tensor([kind.smooth for kind in KINDS]),
            "tilts": torch.tensor([kind.tilt for kind in KINDS]),
        }
        for name, tensor in kept.items():
            self.register_buffer(name, tensor, persistent=False)
        self.layers = LEAVES + table.shape[1]
        self.sizes = [self.layers * len(OF_LEAF), len(OF_IMAGE), len(OF_THING), self.palette_size * len(OF_COLOUR)]
        self.latent_size = sum(self.sizes)

    @torch.no_grad()
    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """z (B, Z) -> x (B, C, H, W)."""
        kind = torch.randint(len(KINDS), (len(z),), generator=rng, device=z.device)
        return to_input(self.photograph(z, kind, rng), self.inputs)

    def photograph(self, z: Tensor, kind: Tensor, rng: torch.Generator) -> Tensor:
        """z (B, Z), which of `KINDS` (B,) -> (B, 3, H, W) in [0, 1]."""
        of_layers, of_image, of_thing, of_colours = torch.split(z, self.sizes, 1)
        layers = named(of_layers.view(len(z), self.layers, len(OF_LEAF)), OF_LEAF)
        whole = {name: value + MOOD.get(name, 0.0) for name, value in named(of_image, OF_IMAGE).items()}
        plain = self.smooth[kind] & (torch.rand(len(z), generator=rng, device=z.device) < 0.7)
        whole |= {name: torch.where(plain, whole[name] + shift, whole[name]) for name, shift in SMOOTH.items()}
        palette = self.palette(kind, of_colours.view(len(z), self.palette_size, len(OF_COLOUR)), rng)
        canvas = Canvas(self.inputs.size, rng)
        image = canvas.background(whole, palette)
        for layer in (*place_leaves(layers, whole), *self.sketch(kind, layers, named(of_thing, OF_THING))):
            image = canvas.put(image, layer, palette)
        return photograph(image, whole, rng)

    def palette(self, kind: Tensor, z: Tensor, rng: torch.Generator) -> Tensor:
        """Colours (B, colours, 3) in [0, 1]: of a scene where such a thing is met, and of the thing."""

        def pick(of_kind: Tensor) -> Tensor:
            return of_kind[kind, torch.randint(of_kind.shape[1], kind.shape, generator=rng, device=z.device)]

        def chance(probability: float, n: int) -> Tensor:
            return torch.rand(len(kind), n, 1, generator=rng, device=z.device) < probability

        scene = pick(self.scenes)[:, [0, 1, 0, 1, 0]]
        of_scene = chance(1 - WILD, 1) & torch.cat([chance(1.0, 2), chance(0.6, PALETTE - 2)], 1)
        tones = torch.stack([pick(self.tones), pick(self.tones)], 1)
        of_thing = chance(1 - WILD, 2)
        dark_light = z.new_tensor([[0.1], [0.88]]).expand(len(kind), 2, 3)
        varies = named(z, OF_COLOUR)
        light, hue = varies["luminance"].unsqueeze(-1), torch.stack([varies[name] for name in RGB], -1)
        met = torch.cat([scene, tones, dark_light], 1) + z.new_tensor(LIGHT).view(-1, 1) * light
        met = met + z.new_tensor(HUE).view(-1, 1) * hue
        palette = torch.where(torch.cat([of_scene, of_thing, torch.ones_like(of_thing)], 1), met, colours_of(z))
        like_body = palette[:, ROLES["body"]] + 0.1 * light[:, ROLES["second"]]
        palette[:, ROLES["second"]] = torch.where(chance(0.4, 1)[:, 0], like_body, palette[:, ROLES["second"]])
        return palette.clamp(0, 1)

    def sketch(self, kind: Tensor, layers: dict[str, Tensor], own: dict[str, Tensor]) -> Iterator[Layer]:
        """The thing, part by part, the last on top.

        Args:
            kind: which of `KINDS`, (B,).
            layers: `OF_LEAF`, (B, layers) each: leaves, then parts.
            own: `OF_THING`, (B,) each.
        """
        size, stretch = 12 + 4 * uniform(own["size"]), torch.exp(0.15 * own["length"])
        tilt = self.tilts[kind] * own["tilt"]
        looks = torch.where(layers["turn_b"][:, 0] > 0, 1.0, -1.0)  # to the right, or to the left
        for k in range(self.table.shape[1]):
            z = {name: value[:, LEAVES + k] for name, value in layers.items()}
            part = named(self.table[kind, k], NUMBERS)
            x, y = looks * stretch * (part["x"] + 0.035 * z["x"]), part["y"] + 0.035 * z["y"]
            along = part["angle"].cos().abs()  # how much of its length lies along the thing's
            long = part["long"] * torch.exp(0.1 * z["size"]) * stretch**along
            wide = part["wide"] * torch.exp(0.1 * z["aspect"]) * stretch ** (1 - along)
            angle = part["angle"] + 0.085 * z["angle"]
            there = uniform(z["colour"]) < part["often"]
            bent = torch.stack([0.02 * z["lobes_a"], z["turn_a"], part["corner"], torch.full_like(x, math.pi / 2)], -1)
            faint = {name: 0.3 * z[name] for name in RGB}
            layer = layer_of(
                z | faint,
                x=1.5 * own["right"] + size * (x * tilt.cos() - y * tilt.sin()),
                y=1.5 * own["down"] + size * (x * tilt.sin() + y * tilt.cos()),
                radius=torch.where(there, size * (long * wide).sqrt(), -1.0),
                aspect=(long / wide.clamp(min=1e-6)).clamp(1e-3, 1e3).sqrt(),
                angle=torch.where(looks > 0, angle, math.pi - angle) + tilt,
                power=(part["power"] * torch.exp(0.07 * z["roundness"])).clamp(min=0.8),
                lobes=bent,
                paint=self.paints[kind, k],
            )
            yield layer._replace(texture=layer.texture * torch.where(self.smooth[kind], 0.5, 1.0))
