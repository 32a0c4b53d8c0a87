"""Pseudo-photographs."""

from __future__ import annotations

import pytest
import torch

from generators.images.canvas import Canvas, Layer
from generators.images.cutouts import SYMMETRIC_FRACTION, Cutouts
from generators.images.dead_leaves import IMAGE_LATENTS, LEAF_LATENTS, N_PARTS, DeadLeaves, central_object, place_leaves
from generators.images.objects import Objects
from teachers.images import DATA

from .conftest import drawn_images


@pytest.mark.parametrize("photographs", [DeadLeaves, Objects])
def test_photographs_are_bounded_varied_and_reproducible(photographs: type[DeadLeaves] | type[Objects]) -> None:
    pixels = drawn_images(photographs(DATA["cifar10"].inputs))
    assert pixels.shape == (64, 3, 32, 32)
    assert pixels.min() > -1e-6 and pixels.max() < 1 + 1e-6
    assert 0.3 < pixels.mean() < 0.7 and pixels.mean((1, 2, 3)).std() > 0.1
    assert torch.equal(pixels, drawn_images(photographs(DATA["cifar10"].inputs)))
    assert drawn_images(photographs(DATA["mnist"].inputs), 4).shape == (4, 1, 32, 32)


def test_things_cut_out_are_large_on_black_varied_and_mostly_symmetric() -> None:
    pixels = drawn_images(Cutouts(DATA["fashion-mnist"].inputs), 400)
    assert pixels.shape == (400, 1, 32, 32) and pixels.min() > -1e-6 and pixels.max() < 1 + 1e-6
    assert torch.equal(pixels, drawn_images(Cutouts(DATA["fashion-mnist"].inputs), 400))
    seen = pixels[:, 0] > 1e-3
    frame = torch.nn.functional.pad(torch.zeros(28, 28, dtype=torch.bool), (2,) * 4, value=True)
    assert 0.15 < seen.float().mean() < 0.5 and not seen[:, frame].any()  # where the images are padded
    assert pixels[seen.unsqueeze(1)].std() > 0.15 and seen.float().mean((1, 2)).std() > 0.08
    alike = (seen == seen.flip(-1)).float().mean((1, 2)) > 0.99
    assert abs(alike.float().mean() - SYMMETRIC_FRACTION) < 0.08
    assert drawn_images(Cutouts(DATA["cifar10"].inputs), 4).shape == (4, 3, 32, 32)


def test_power_falls_with_frequency_as_in_natural_scenes() -> None:
    grey = drawn_images(DeadLeaves(DATA["cifar10"].inputs), 256).mean(1)
    power = torch.fft.fft2(grey - grey.mean((1, 2), keepdim=True)).abs().square().mean(0)
    frequency = torch.hypot(torch.fft.fftfreq(32).unsqueeze(1), torch.fft.fftfreq(32))
    inside = (frequency > 0.05) & (frequency < 0.3)
    x, y = frequency[inside].log(), power[inside].log()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    assert -3.5 < slope < -2  # about -2.5 in photographs; white noise has 0


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


def test_the_thing_stands_in_the_middle_and_has_two_colours() -> None:
    leaves = {name: torch.randn(100, 27) for name in LEAF_LATENTS}
    whole = {name: torch.randn(100) for name in IMAGE_LATENTS}
    parts = list(central_object(leaves, whole))
    assert len(parts) == N_PARTS and (parts[0].radius > 0).all() and (parts[-1].radius < 0).any()
    assert parts[0].x.abs().mean() < 4 and set(torch.cat([p.paint for p in parts]).tolist()) == {5, 6}
    assert all(set(leaf.paint.tolist()) <= set(range(5)) for leaf in place_leaves(leaves, whole))
