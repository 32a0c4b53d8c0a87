"""Cuttings and textures of public photographs, and scenes that are painted with them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from generators.images.canvas import Canvas
from generators.images.photographs import Photographs, public_photographs, recoloured, turn_about_grey
from generators.images.scenes import Scenes, scenes
from teachers.images import DATA
from tests.generators import stream
from zskt.errors import UserError
from zskt.images.inputs import ImageInputs

RAMP = torch.stack([torch.linspace(0, 1, 80).expand(60, 80), torch.linspace(0, 1, 60).unsqueeze(1).expand(60, 80),
                    torch.full((60, 80), 0.5)])  # fmt: skip
"""Red grows to the right, green downwards."""


def test_three_photographs_come_with_the_libraries() -> None:
    pictures = public_photographs()
    assert [tuple(p.shape) for p in pictures] == [(3, 427, 640), (3, 427, 640), (3, 600, 512)]
    assert all(0 <= float(p.min()) < 0.1 and 0.9 < float(p.max()) <= 1 for p in pictures)


@pytest.mark.parametrize("size", [1, 16, 32, 224, 700])
def test_cuttings_and_textures_have_any_size(size: int) -> None:
    photographs = Photographs([RAMP, 1 - RAMP], size)
    cuttings = photographs.cuttings(5, stream())
    textures, _ = photographs.textures(5, stream())
    assert cuttings.shape == (5, 3, size, size) and textures.shape == (5, size, size)
    assert bool(torch.isfinite(cuttings).all()) and bool(torch.isfinite(textures).all())
    assert float(cuttings.min()) >= 0 and float(cuttings.max()) <= 1


def test_a_cutting_without_turn_shear_and_mirror_is_a_part_of_the_picture() -> None:
    photographs = Photographs([RAMP], 16)
    zero = torch.zeros(1)
    grid, scale = photographs._grid(
        torch.tensor([60, 80]), zero, torch.zeros(3, 1), torch.zeros(2, 1), torch.tensor([False])
    )
    assert int(scale) == 0  # the smallest cuttings: 12 pixels of the picture, in its upper left corner
    (part,) = torch.nn.functional.grid_sample(RAMP[None], grid, align_corners=False)
    centres = (torch.arange(16) + 0.5) * 12 / 16 - 0.5  # in pixels of the picture
    inside = slice(1, -1)  # the outermost lie beyond the centre of the first pixel
    assert torch.allclose(part[0, 3, inside], centres[inside] / 79, atol=1e-5)
    assert torch.allclose(part[1, inside, 3], centres[inside] / 59, atol=1e-5)


def test_textures_are_windows_of_any_scale_in_units_of_their_spread() -> None:
    photographs = Photographs([torch.rand(3, 64, 64, generator=stream())], 16)
    textures, shown = photographs.textures(400, stream())
    assert bool(shown.all())
    assert torch.allclose(textures.mean((1, 2)), torch.zeros(400), atol=0.02)
    assert torch.allclose(textures.square().mean((1, 2)), torch.ones(400), atol=0.05)
    (first, *_), _ = photographs.textures(1, stream(3))
    whole = photographs.levels(0)
    windows = torch.cat([w.mean(1).unfold(1, 16, 1).unfold(2, 16, 1).reshape(-1, 16, 16) for w in whole])
    windows = windows - windows.mean((1, 2), keepdim=True)
    windows = (windows / windows.square().mean((1, 2), keepdim=True).sqrt()).clamp(-3, 3)
    mirrored = [first, first.flip(0), first.flip(1), first.flip(0, 1)]
    assert min(float((windows - m).abs().amax((1, 2)).min()) for m in mirrored) < 1e-4


def test_what_shows_nothing_is_no_texture() -> None:
    _, shown = Photographs([torch.full((3, 64, 64), 0.3)], 16).textures(9, stream())
    assert not bool(shown.any())


def test_colours_turn_about_grey() -> None:
    third = turn_about_grey(torch.tensor([2 * math.pi / 3]))[0]
    assert torch.allclose(third @ torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]), atol=1e-6)
    turned = turn_about_grey(torch.tensor([0.0, 1.1]))
    assert torch.allclose(turned[0], torch.eye(3), atol=1e-6)
    assert torch.allclose(turned[1] @ torch.ones(3), torch.ones(3), atol=1e-6)
    assert torch.allclose(turned[1] @ turned[1].T, torch.eye(3), atol=1e-6)


def test_recolouring_keeps_what_is_where() -> None:
    images = RAMP[None, :, :16, :16].expand(64, -1, -1, -1)
    changed = recoloured(images, stream())
    assert changed.shape == images.shape and changed.std(0).mean() > 0.05
    flat = images.mean((2, 3), keepdim=True).expand_as(images)
    assert recoloured(flat, stream()).std((2, 3)).max() < 1e-6


def test_scenes_are_sketches_with_surfaces_and_cuttings_alone() -> None:
    generator = Scenes(DATA["cifar10"].inputs)
    z = torch.randn(256, generator.latent_size, generator=stream())
    images = generator.paint(z, stream())
    assert images.shape == (256, 3, 32, 32) and float(images.min()) >= 0 and float(images.max()) <= 1
    assert torch.equal(images, generator.paint(z, stream()))
    assert not torch.equal(images, generator.paint(z, stream(1)))
    assert not list(generator.parameters()) and not generator.state_dict()


def test_a_canvas_of_photographs_takes_some_textures_from_them() -> None:
    scenes = Scenes(ImageInputs(mean=(0.5,) * 3, std=(0.25,) * 3))
    slope = torch.full((500,), 1.0)
    taken = (scenes.canvas(stream()).noise(slope) - Canvas(32, stream()).noise(slope)).abs().amax((1, 2)) > 0
    assert 0.35 < taken.float().mean() < 0.65  # some windows show nothing


def test_photographs_of_your_own_take_the_place_of_the_public_ones() -> None:
    red = torch.zeros(3, 50, 50)
    red[0] = 1
    generator = Scenes(DATA["cifar10"].inputs, pictures=[red])
    cuttings = generator.photographs.cuttings(50, stream())
    assert cuttings.std((2, 3)).max() < 1e-5


def test_scenes_for_a_network_of_your_own_are_normalised_as_it_wants_them() -> None:
    bright, dark = (torch.full((3, 40, 40), value) for value in (0.9, 0.1))
    for picture in (bright, dark):
        batch = scenes((0.5,), (0.25,), 12, [picture]).sample(20, stream())
        assert batch.x[0].shape == (20, 1, 12, 12)
        assert float(batch.x[0].min()) >= -2 and float(batch.x[0].max()) <= 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0.5, 0.5), (0.2, 0.2)), "give one or three means"),
        (((0.5,), (0.0,)), "positive spreads"),
        (((0.5,), (0.2,), 0), "at least one pixel"),
        (((0.5,), (0.2,), 8, [torch.zeros(1, 9, 9)]), "picture 0 is of shape"),
        (((0.5,), (0.2,), 8, [torch.zeros(3, 9, 9), torch.full((3, 9, 9), 200.0)]), "picture 1"),
    ],
)
def test_what_makes_no_scenes_is_told(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        scenes(*arguments)
