"""The paper's generator of images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from generators import convnet
from generators.images.convnet import ConvGenerator, UpsampledConv
from teachers.images import DATA
from zskt.errors import UserError
from zskt.networks.students import count_parameters


def test_the_generator_is_the_papers() -> None:
    generator = ConvGenerator(DATA["cifar10"].inputs)
    batch = generator(torch.randn(16, 100), torch.Generator())
    assert batch.x[0].shape == (16, 3, 32, 32)
    # Linear 100 -> 8192, BN 128, conv 128 -> 128, BN, conv 128 -> 64, BN, conv 64 -> 3, BN.
    expected = 100 * 8192 + 8192 + 256 + 128 * 128 * 9 + 128 + 256 + 128 * 64 * 9 + 64 + 128 + 64 * 3 * 9 + 3 + 6
    assert count_parameters(generator) == expected
    # It ends in a normalisation: each channel of a batch has mean 0 and variance 1.
    assert batch.x[0].mean((0, 2, 3)).abs().max() < 1e-5
    assert torch.allclose(batch.x[0].var((0, 2, 3), correction=0), torch.ones(3), atol=1e-3)


def test_an_upsampled_convolution_is_an_upsampling_and_a_convolution() -> None:
    layer = UpsampledConv(3, 5).double()
    x = torch.randn(2, 3, 4, 6, dtype=torch.float64, requires_grad=True)
    doubled = torch.nn.functional.interpolate(x, scale_factor=2)
    expected = torch.nn.functional.conv2d(doubled, layer.weight, layer.bias, padding=1)
    assert torch.allclose(layer(x), expected, atol=1e-12)
    inputs = (x, layer.weight, layer.bias)
    weight = torch.randn_like(expected)
    for mine, theirs in zip(
        torch.autograd.grad((layer(x) * weight).sum(), inputs),
        torch.autograd.grad((expected * weight).sum(), inputs),
        strict=True,
    ):
        assert torch.allclose(mine, theirs, atol=1e-12)


@pytest.mark.parametrize("size", [1, 5, 28, 30, 31])
def test_images_may_have_any_size(size: int) -> None:
    x = convnet(3, size).sample(6, torch.Generator().manual_seed(0)).x[0]
    assert x.shape == (6, 3, size, size)
    assert x.mean((0, 2, 3)).abs().max() < 1e-5  # cropped first, then normalised
    x.square().sum().backward()


def test_the_crop_is_the_middle() -> None:
    larger, smaller = convnet(1, 8).eval(), convnet(1, 6).eval()  # both begin at 2 x 2
    smaller.load_state_dict(larger.state_dict())
    x, cropped = (g.sample(2, torch.Generator().manual_seed(0)).x[0] for g in (larger, smaller))
    assert torch.equal(cropped, x[..., 1:7, 1:7])


def test_images_need_a_channel_and_a_pixel() -> None:
    with pytest.raises(UserError, match="0 channels of 8 x 8 pixels; give at least 1 of each"):
        convnet(0, 8)
    with pytest.raises(UserError, match=r"its images are square; size is \(32, 48\), but must be one number"):
        convnet(3, (32, 48))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="channels is '1'; give a whole number"):
        convnet("1", 28)  # type: ignore[arg-type]
    assert convnet(np.int64(1), np.int64(8)).eval().sample(2, torch.Generator()).x[0].shape == (2, 1, 8, 8)
