"""DeepInversion: its priors by hand, what it optimises, and what its adaptive form asks the student."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from tests.methods.setups import digits_setup, jets_setup, resnets_setup, start, vectors_setup
from tests.methods.test_inversion import SMALL
from zskt.contracts import PseudoBatch
from zskt.errors import UserError
from zskt.methods import Setup
from zskt.methods.canvas import Latent, Pixels
from zskt.methods.deepinversion import DeepInversion


def invert(setup: Setup, **settings: Any) -> DeepInversion:
    weights = {"synthesis_warmup": 0, "adversarial_weight": 0.0}
    method = start("deepinversion", setup, **SMALL | weights | settings)
    assert isinstance(method, DeepInversion)
    return method


def test_the_loss_is_that_of_the_paper() -> None:
    """CE + alpha_tv TV + alpha_l2 |x| + alpha_f statistics + alpha_c (1 - JS)."""
    settings = {"total_variation_weight": 0.01, "l2_weight": 0.02, "adversarial_weight": 10.0, "jitter": 0}
    method = invert(resnets_setup(), bn_weight=0.0, **settings)
    x, targets = torch.randn(4, 3, 16, 16), torch.arange(4)
    teacher, student = method.pair.teacher, method.pair.student
    assert teacher is not None
    student.eval()
    x.requires_grad_()
    loss, parts, _ = method.loss(PseudoBatch((x,)), targets)
    logits = teacher(x)
    cross_entropy = -logits.log_softmax(1)[torch.arange(4), targets].mean()
    p, q = (logits / 3).softmax(1), (student(x) / 3).softmax(1)
    m = (p + q) / 2
    js = ((p * (p / m).log()).sum(1) + (q * (q / m).log()).sum(1)).mean() / 2 / math.log(2)
    differences = (
        x[..., 1:] - x[..., :-1],
        x[..., 1:, :] - x[..., :-1, :],
        x[..., 1:, 1:] - x[..., :-1, :-1],
        x[..., 1:, :-1] - x[..., :-1, 1:],
    )
    tv = sum(float(d.norm().detach()) for d in differences)
    expected = cross_entropy + 0.01 * tv + 0.02 * x.norm() + 10 * (1 - js)
    assert torch.allclose(loss, expected, rtol=1e-4)
    assert math.isclose(float(parts["loss/tv"].detach()), 0.01 * tv, rel_tol=1e-4)


@pytest.mark.parametrize("setup", [jets_setup, vectors_setup, lambda: jets_setup("mlp")])
def test_the_norm_of_z_counts_where_z_is_optimised(setup: Any) -> None:
    method = invert(setup(), l2_weight=0.5, bn_weight=0.0, synthesis_steps=2, synthesis_lr=0.0)
    _, measured = method.synthesise()
    assert isinstance(method.canvas, Latent)
    assert measured["loss/l2"] == pytest.approx(0.5 * float(method.canvas.z.detach().norm()), rel=1e-5)
    shorter = invert(setup(), l2_weight=100.0, bn_weight=0.0, synthesis_steps=20, synthesis_lr=0.02)
    shorter.synthesise()
    assert isinstance(shorter.canvas, Latent) and shorter.canvas.z.norm() < 0.9 * method.canvas.z.norm()


def test_samples_without_gradient_are_refused_before_the_run() -> None:
    message = "^deepinversion: optimises the z of a generator, by which the samples of this one have no gradient; take"
    with pytest.raises(UserError, match=message):
        invert(jets_setup("noise"), bn_weight=0.0)
    assert invert(digits_setup("strokes-prior"), bn_weight=0.0).shows_images, "pixels need no gradient by z"


def test_pixels_of_images_are_optimised_and_the_generator_stays() -> None:
    method = invert(resnets_setup(), synthesis_lr=0.1, synthesis_steps=3)
    generator = [p.clone() for p in method.generator.parameters()]
    rng = torch.Generator()
    rng.set_state(method.rng.get_state())
    with torch.no_grad():
        begun = method.generator.sample(8, rng).x[0]
    (x,), _ = method.synthesise()
    assert isinstance(method.canvas, Pixels)
    # The batch that is kept was reached by 0 to 2 steps of Adam, each at most as long as the rate.
    assert 0 < (x - begun).abs().max() < 0.31
    assert all(torch.equal(a, b) for a, b in zip(generator, method.generator.parameters(), strict=True))


@pytest.mark.parametrize("make", [vectors_setup, lambda: jets_setup("shower")])
def test_of_other_samples_z_is_optimised_under_one_stream(make: Any) -> None:
    method = invert(make(), bn_weight=0.0, synthesis_lr=0.0)
    (x, *_), _ = method.synthesise()
    assert isinstance(method.canvas, Latent)
    again, rows = method.canvas.draw()
    assert torch.equal(again.x[0], x)  # z did not move, and the stream begins where it began
    assert len(rows) == len(x) and (rows[1:] > rows[:-1]).all()
    (other, *_), _ = method.synthesise()
    assert other.shape != x.shape or not torch.equal(other, x)


def test_a_batch_is_rolled_while_it_is_optimised() -> None:
    method = invert(resnets_setup(), jitter=2)
    x = torch.arange(256.0).view(1, 1, 16, 16)
    views = [method.view((x,))[0] for _ in range(20)]
    offsets = {tuple((view == 0).nonzero()[0].tolist()[2:]) for view in views}
    assert len(offsets) > 5 and offsets <= {(a % 16, b % 16) for a in range(-2, 3) for b in range(-2, 3)}
    assert invert(resnets_setup(), jitter=0).view((x,))[0] is x


def test_a_prior_of_jets_without_parameters_can_be_inverted() -> None:
    method = invert(jets_setup("shower-prior"), bn_weight=0.0, synthesis_lr=0.05, synthesis_steps=4)
    canvas = Latent(method.generator, 8, torch.Generator().manual_seed(0))
    before = canvas.z.detach().clone()
    method.invert(canvas, torch.optim.Adam([canvas.z], lr=0.05))
    assert (canvas.z - before).abs().max() > 0.04
