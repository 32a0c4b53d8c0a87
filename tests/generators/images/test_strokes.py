"""Pseudo-characters."""

from __future__ import annotations

import torch

from generators.images.strokes import BOX_SIZE, LATENT_BOUND, Strokes
from teachers.images import DATA
from tests.conftest import drawn_images


def test_characters_are_ink_in_a_box() -> None:
    pixels = drawn_images(Strokes(DATA["mnist"].inputs))
    assert pixels.shape == (64, 1, 32, 32)
    assert pixels.min() > -1e-6 and pixels.max() < 1 + 1e-6
    ink = pixels[:, 0] > 0.3
    assert ink.flatten(1).any(1).all()
    rows, columns = ink.any(2).sum(1), ink.any(1).sum(1)  # between the first and the last there may be gaps
    assert torch.maximum(rows, columns).float().median() > 0.7 * BOX_SIZE
    assert (pixels[:, 0, 0, 0] < 0.3).float().mean() > 0.95  # the corners stay empty
    assert (drawn_images(Strokes(DATA["mnist"].inputs)) == pixels).all()


def test_every_channel_sees_the_same_ink() -> None:
    pixels = drawn_images(Strokes(DATA["cifar10"].inputs), 4)
    assert pixels.shape == (4, 3, 32, 32)
    assert torch.allclose(pixels[:, 0], pixels[:, 2], atol=1e-6)


def test_a_straight_stroke_is_where_it_should_be() -> None:
    generator = Strokes(DATA["mnist"].inputs, adversarial=False)
    drawn = torch.tensor([[True, False, False]])
    # All latent variables zero: one stroke down, without a bend, through the box.
    pixels = generator.images(torch.zeros(1, generator.latent_size), drawn)[0, 0].T
    middle = pixels[15:17]  # the line runs between two columns
    assert (middle[:, 7:25] > 0.9).all() and (middle[:, :4] == 0).all() and (middle[:, 28:] == 0).all()
    assert (pixels[:13] == 0).all() and (pixels[19:] == 0).all()


def test_the_adversary_begins_at_the_prior_and_has_gradients() -> None:
    generator, prior = Strokes(DATA["mnist"].inputs), Strokes(DATA["mnist"].inputs, adversarial=False)
    assert torch.equal(drawn_images(generator), drawn_images(prior)) and not list(prior.parameters())
    rng = torch.Generator().manual_seed(0)
    made = generator(torch.randn(16, generator.latent_size, generator=rng), rng)
    assert made.penalty is not None and float(made.penalty.detach()) == 0
    made.x[0].square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in generator.parameters())
    assert any(p.grad.abs().max() > 0 for p in generator.parameters() if p.grad is not None)


def test_an_adversary_that_goes_far_overflows_nothing() -> None:
    generator, rng = Strokes(DATA["mnist"].inputs), torch.Generator().manual_seed(0)
    z, drawn = torch.randn(8, generator.latent_size, generator=rng), torch.ones(8, 3, dtype=torch.bool)
    far = (1e4 * z).requires_grad_()
    pixels = generator.images(far, drawn)
    assert pixels.min() >= 0 and pixels.max() <= 1
    assert torch.equal(pixels, generator.images((1e4 * z).clamp(-LATENT_BOUND, LATENT_BOUND), drawn))
    pixels.sum().backward()
    assert far.grad is not None and torch.isfinite(far.grad).all()
    assert generator.adversary is not None
    torch.nn.init.constant_(generator.adversary[-1].bias, 1e3)  # shifts everything
    assert torch.isfinite(generator(z, rng).x[0]).all()
