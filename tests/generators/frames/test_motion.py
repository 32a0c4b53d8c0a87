"""Pseudo-frames of things that move and of things that swing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from generators.frames.motion import PATH_LATENTS, Motion, motion
from tests.generators import stream
from tests.gradients import gradients, number
from zskt.errors import UserError
from zskt.frames.inputs import FrameInputs
from zskt.frames.moving_digits import INPUTS

SERIES = FrameInputs(length=40, mean=(0.0, 5.0), std=(1.0, 2.0))
COLOURS = FrameInputs(length=3, size=12, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def still(**path: float) -> Tensor:
    """The same two drawings, one sample, without noise: intensities (T, H, W)."""
    prior = Motion(INPUTS, adversarial=False)
    z = torch.randn(1, prior.latent_size, generator=stream(5))
    values = {"x": 0.0, "y": 0.0, "to_right": 0.0, "down": 0.0, "size": 0.0, "change": 9.0, "noise": -40.0} | path
    z[0, -len(PATH_LATENTS) :] = torch.tensor([values[name] for name in PATH_LATENTS])
    with torch.no_grad():
        return INPUTS.values(prior(z, stream()).x[0])[0, :, 0]


def centre(frames: Tensor) -> Tensor:
    """Centres of brightness, x and y: (T, 2)."""
    line = torch.arange(frames.shape[-1]) + 0.5
    total = frames.sum((1, 2))
    return torch.stack([(frames.sum(1) * line).sum(1) / total, (frames.sum(2) * line).sum(1) / total], 1)


def test_drawings_move_evenly_as_their_latents_say() -> None:
    frames = still(x=-1.0, to_right=0.5)
    moved = centre(frames).diff(dim=0)
    assert torch.allclose(moved[:4, 0], torch.full((4,), 0.8), atol=0.05)  # 0.5 x 0.1 x 16 pixels
    assert torch.allclose(moved[:, 1], torch.zeros(7), atol=0.05)
    assert 0.05 < float(frames.mean()) < 0.4 and float(frames.amax()) <= 1


def test_another_drawing_takes_the_place_of_the_first_at_the_moment_of_the_change() -> None:
    frames = still(change=0.0)  # in the middle: half of each in the frame after four
    assert torch.allclose(frames[0], frames[3], atol=1e-5) and torch.allclose(frames[5], frames[7], atol=1e-5)
    assert torch.allclose(frames[4], (frames[3] + frames[5]) / 2, atol=1e-5)
    assert not torch.allclose(frames[3], frames[5], atol=0.1)
    never = still()
    assert torch.allclose(never[0], never[7], atol=1e-5)


def test_series_swing_with_the_frequency_of_their_latent() -> None:
    prior = Motion(SERIES, adversarial=False).prior
    z = torch.zeros(1, prior.latent_size)
    z[0, 1] = 1.0  # cosine of the first feature
    z[0, -3:] = torch.tensor([5.0, 5.0, -40.0])  # from before the beginning to behind the end, without noise
    x = prior(z, stream())[0]
    assert x.shape == (40, 2) and float(x[:, 1].abs().amax()) < 1e-6
    spectrum = torch.fft.rfft(x[:, 0]).abs()
    assert int(spectrum.argmax()) == 4  # 0.1 swings a frame
    assert float(x[0, 0]) == pytest.approx(0.8, abs=1e-3)


@pytest.mark.parametrize("inputs", [INPUTS, SERIES, COLOURS])
def test_an_adversary_begins_at_the_prior_and_pays_for_leaving_it(inputs: FrameInputs) -> None:
    generator, prior = Motion(inputs), Motion(inputs, adversarial=False)
    z = torch.randn(6, generator.latent_size)
    batch = generator(z, stream())
    assert torch.allclose(batch.x[0], prior(z, stream()).x[0]) and float(batch.penalty.detach()) == 0
    assert batch.x[0].shape == (6, *inputs.sample_shape) and not list(prior.parameters())
    loss = (batch.x[0] * torch.randn(batch.x[0].shape)).sum()
    last = list(generator.parameters())[-2:]
    assert all(float(g.abs().sum()) > 0 for g in torch.autograd.grad(loss, last))


@pytest.mark.parametrize("inputs", [INPUTS, SERIES])
@pytest.mark.parametrize("value", [0.0, 6.0, -6.0])
def test_extreme_latent_variables_have_finite_gradients(inputs: FrameInputs, value: float) -> None:
    generator = Motion(inputs, adversarial=False)
    z = number(value, 16, generator.latent_size)
    gradients(generator(z, stream()).x[0].square().sum(), z)


def test_generators_for_networks_of_ones_own_take_numbers_or_one_a_channel() -> None:
    assert motion(8, 1, 16, mean=0.1, std=0.2).inputs == INPUTS
    assert motion(40, 2, mean=(0.0, 5.0), std=(1.0, 2.0)).inputs == SERIES
    with pytest.raises(UserError, match="1 means of 2 channels"):
        motion(8, 2, mean=(0.0,))
    with pytest.raises(UserError, match="0 frames"):
        motion(0, 1)
