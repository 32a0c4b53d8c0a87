"""Images of noise: each pixel is a normal number of z."""

from __future__ import annotations

import torch

from generators import GENERATORS
from teachers.images import DATA


def test_pixels_are_normal_numbers_and_follow_z() -> None:
    generator = GENERATORS["noise-image"].build(DATA["mnist"].inputs)
    assert not list(generator.parameters())
    x = generator.sample(16, torch.Generator().manual_seed(0)).x[0]
    assert x.shape == (16, 1, 32, 32) and abs(float(x.mean())) < 0.05 and abs(float(x.std()) - 1) < 0.05
    z = torch.randn(2, generator.latent_size, requires_grad=True)
    assert torch.equal(torch.autograd.grad(generator(z, torch.Generator()).x[0].sum(), z)[0], torch.ones_like(z))
