"""Product-style pseudo-images."""

from __future__ import annotations

import torch

from generators.images.cutouts import SYMMETRIC_FRACTION, Cutouts
from teachers.images import DATA
from tests.conftest import drawn_images


def test_objects_are_large_on_black_varied_and_mostly_symmetric() -> None:
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
