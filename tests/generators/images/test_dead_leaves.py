"""Pseudo-photographs."""

from __future__ import annotations

import pytest
import torch

from generators.images.dead_leaves import IMAGE_LATENTS, LEAF_LATENTS, N_PARTS, DeadLeaves, central_object, place_leaves
from generators.images.objects import Objects
from teachers.images import DATA
from tests.conftest import drawn_images


@pytest.mark.parametrize("photographs", [DeadLeaves, Objects])
def test_photographs_are_bounded_varied_and_reproducible(photographs: type[DeadLeaves] | type[Objects]) -> None:
    pixels = drawn_images(photographs(DATA["cifar10"].inputs))
    assert pixels.shape == (64, 3, 32, 32)
    assert pixels.min() > -1e-6 and pixels.max() < 1 + 1e-6
    assert 0.3 < pixels.mean() < 0.7 and pixels.mean((1, 2, 3)).std() > 0.1
    assert torch.equal(pixels, drawn_images(photographs(DATA["cifar10"].inputs)))
    assert drawn_images(photographs(DATA["mnist"].inputs), 4).shape == (4, 1, 32, 32)


def test_power_falls_with_frequency_as_in_natural_scenes() -> None:
    grey = drawn_images(DeadLeaves(DATA["cifar10"].inputs), 256).mean(1)
    power = torch.fft.fft2(grey - grey.mean((1, 2), keepdim=True)).abs().square().mean(0)
    frequency = torch.hypot(torch.fft.fftfreq(32).unsqueeze(1), torch.fft.fftfreq(32))
    inside = (frequency > 0.05) & (frequency < 0.3)
    x, y = frequency[inside].log(), power[inside].log()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    assert -3.5 < slope < -2  # about -2.5 in photographs; white noise has 0


def test_the_object_stands_in_the_middle_and_has_two_colours() -> None:
    leaves = {name: torch.randn(100, 27) for name in LEAF_LATENTS}
    whole = {name: torch.randn(100) for name in IMAGE_LATENTS}
    parts = list(central_object(leaves, whole))
    assert len(parts) == N_PARTS and (parts[0].radius > 0).all() and (parts[-1].radius < 0).any()
    assert parts[0].x.abs().mean() < 4 and set(torch.cat([p.paint for p in parts]).tolist()) == {5, 6}
    assert all(set(leaf.paint.tolist()) <= set(range(5)) for leaf in place_leaves(leaves, whole))
