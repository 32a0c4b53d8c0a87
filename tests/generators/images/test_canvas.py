"""Layers on a canvas."""

from __future__ import annotations

import pytest
import torch

from generators import GENERATORS
from generators.images.canvas import Canvas, Layer, in_channels
from zskt.images.inputs import ImageInputs


def layer(**changes: torch.Tensor) -> Layer:
    one, zero = torch.ones(1), torch.zeros(1)
    flat = Layer(
        x=zero, y=zero, radius=5 * one, aspect=one, angle=zero, power=2 * one, lobes=torch.zeros(1, 4),
        paint=zero.long(), tint=torch.zeros(1, 3), shade=torch.zeros(1, 2), texture=zero, slope=one,
    )  # fmt: skip
    return flat._replace(**changes)


def test_a_leaf_covers_its_area_where_it_lies_and_hides_what_is_below() -> None:
    canvas = Canvas(32, torch.Generator().manual_seed(0))
    disc = canvas.covered(layer())
    assert abs(disc.sum().item() - torch.pi * 25) < 8
    assert torch.equal(disc, disc.flip(1)) and torch.equal(disc, disc.mT)
    moved = canvas.covered(layer(x=torch.tensor([4.0])))
    assert torch.equal(moved[:, :, 4:], disc[:, :, :-4])
    wide = canvas.covered(layer(aspect=torch.tensor([2.0])))
    assert wide.any(1).sum() == 20 and abs(wide.any(2).sum() - 5) <= 1
    assert not canvas.covered(layer(radius=torch.tensor([-1.0]))).any()
    red, grey = torch.tensor([[[1.0, 0.0, 0.0]]]), torch.full((1, 3, 32, 32), 0.5)
    painted = canvas.put(grey, layer(), red)
    assert torch.equal(painted[0, :, 16, 16], red[0, 0]) and torch.equal(painted[0, :, 0, 0], grey[0, :, 0, 0])


@pytest.mark.parametrize("channels", [2, 4, 13])
def test_channels_that_nobody_has_named_differ_in_every_image(channels: int) -> None:
    inputs = ImageInputs(mean=(0.0,) * channels, std=(1.0,) * channels, size=16, side=16)
    x = GENERATORS["things-prior"].build(inputs).draw(512, torch.Generator().manual_seed(1)).x[0]
    assert x.shape == (512, channels, 16, 16) and float(x.min()) >= 0 and float(x.max()) <= 1
    brightness = x.mean((2, 3))
    assert bool((torch.corrcoef(brightness.T).fill_diagonal_(0).abs() < 0.95).all())
    assert torch.bincount(brightness.argmax(1), minlength=channels).gt(0).all()  # each is the brightest in some


def test_images_of_one_channel_are_grey_and_those_of_three_stay() -> None:
    image, rng = torch.rand(2, 3, 8, 8), torch.Generator().manual_seed(1)
    before = rng.get_state()
    assert torch.equal(in_channels(image, 3, rng), image)
    assert torch.equal(in_channels(image, 1, rng), image.mean(1, keepdim=True))
    assert torch.equal(rng.get_state(), before)
