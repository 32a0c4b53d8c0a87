"""Sketches of objects."""

from __future__ import annotations

import pytest
import torch

from generators.images.canvas import Canvas
from generators.images.dead_leaves import LEAF_LATENTS
from generators.images.object_parts import OBJECT_KINDS, PALETTE_INDEX
from generators.images.objects import OBJECT_LATENTS, Objects
from teachers.images import DATA


def silhouette(name: str, facing: float) -> torch.Tensor:
    """What the parts of an object cover when nothing varies: (H, W) of bool."""
    generator, canvas = Objects(DATA["cifar10"].inputs), Canvas(32, torch.Generator())
    kind = torch.tensor([[k.name for k in OBJECT_KINDS].index(name)])
    layers = {leaf: torch.zeros(1, generator.layers) for leaf in LEAF_LATENTS}
    layers["colour"] -= 9  # every part is there
    layers["turn_b"][:, 0] = facing
    drawn = generator.sketch(kind, layers, {name: torch.zeros(1) for name in OBJECT_LATENTS})
    return torch.stack([canvas.covered(part)[0] for part in drawn]).any(0)


def test_an_object_faces_both_ways() -> None:
    right, left = silhouette("horse", 1.0), silhouette("horse", -1.0)
    assert 100 < right.sum() < 500
    assert torch.equal(left, right.flip(1)) and not torch.equal(left, right)


def test_paired_parts_are_mirror_images() -> None:
    face = silhouette("dog's face", 1.0)
    assert torch.equal(face, face.flip(1))


def test_an_object_has_the_colours_of_its_kind_and_scene() -> None:
    generator, rng = Objects(DATA["cifar10"].inputs), torch.Generator().manual_seed(0)
    kind = torch.full((2000,), [k.name for k in OBJECT_KINDS].index("sailing boat"))
    palette = generator.palette(kind, torch.randn(2000, generator.palette_size, 5, generator=rng), rng)
    dark, light = palette[:, PALETTE_INDEX["dark"]], palette[:, PALETTE_INDEX["light"]]
    assert dark.mean() < 0.25 and light.mean() > 0.75
    water = palette[:, PALETTE_INDEX["ground"]]
    assert ((water[:, 2] > water[:, 0]).float().mean()) > 0.8  # bluer than red, but where colours are random
    assert palette.min() >= 0 and palette.max() <= 1


@pytest.mark.parametrize("name", [kind.name for kind in OBJECT_KINDS])
def test_each_object_stands_in_the_middle(name: str) -> None:
    covered = silhouette(name, 1.0)
    assert covered[8:24, 8:24].float().mean() > 0.2
