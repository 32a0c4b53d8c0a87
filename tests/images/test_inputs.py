"""Input specification of image networks."""

from __future__ import annotations

import pytest
import torch

from generators import GENERATORS
from teachers.image_file import random_images
from teachers.images import DATA
from teachers.vector_file import random_vectors
from zskt.frames.inputs import FrameInputs
from zskt.images.inputs import ImageInputs
from zskt.vectors.inputs import VectorInputs


def test_inputs_are_normalised_and_padded_and_pictures_undo_it() -> None:
    pixels = torch.randint(0, 256, (2, 1, 28, 28), dtype=torch.uint8)
    (x,) = DATA["mnist"].inputs(pixels)
    assert x.shape == (2, 1, 32, 32)
    back = DATA["mnist"].inputs.intensities(x)
    assert torch.allclose(back[:, :, 2:-2, 2:-2], pixels / 255, atol=1e-6)
    assert back[:, :, 0].abs().max() < 1e-6


def test_what_is_kept_between_calls_does_not_depend_on_the_default_type_at_the_first_call() -> None:
    inputs = ImageInputs(mean=(0.4, 0.1), std=(0.3, 0.7), size=8, side=8)
    vectors = VectorInputs.from_bounds(low=[0.1, -1.3], high=[0.7, 1.1])
    pixels = torch.arange(128, dtype=torch.uint8).view(1, 2, 8, 8)
    torch.set_default_dtype(torch.float64)
    try:
        first = [inputs(pixels)[0], random_images(inputs), random_vectors(vectors)]
    finally:
        torch.set_default_dtype(torch.float32)
    random_images.cache_clear()
    random_vectors.cache_clear()
    again = [inputs(pixels)[0], random_images(inputs), random_vectors(vectors)]
    assert all(x.dtype == torch.float32 and torch.equal(x, y) for x, y in zip(first, again, strict=True))
    assert inputs.normalised(torch.ones(1, 2, 8, 8, dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize(
    ("mean", "std", "expected"),
    [
        ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616), (0.0, 1.0)),  # of CIFAR-10: pixels are standardised
        ((0.1307,), (0.3081,), (0.0, 1.0)),
        ((0.0,), (1.0,), (0.5, 0.25)),  # plain intensities
        ((0.5,), (0.5,), (0.0, 0.5)),  # from -1 to 1
        ((0.0,), (1 / 255,), (127.5, 63.75)),  # from 0 to 255
    ],
)
def test_generated_pixels_are_as_bright_as_images_however_a_network_is_fed(
    mean: tuple[float, ...], std: tuple[float, ...], expected: tuple[float, float]
) -> None:
    inputs = ImageInputs(mean=mean, std=std, size=8, side=8)
    z = torch.randn(512, len(mean), 8, 8, generator=torch.Generator().manual_seed(1))
    x = inputs.of_standardised(z)
    assert (float(x.mean()), float(x.std())) == pytest.approx(expected, abs=0.02 * expected[1])
    assert torch.allclose(inputs.standardised(x), z, atol=1e-5)
    for name in ("image", "noise-image"):
        drawn = GENERATORS[name].build(inputs).draw(256, torch.Generator().manual_seed(2)).x[0]
        assert (float(drawn.mean()), float(drawn.std())) == pytest.approx(expected, abs=0.05 * expected[1])
    frames = FrameInputs(length=2, size=8, mean=mean, std=std)
    for name in ("frames", "noise-frames"):
        drawn = GENERATORS[name].build(frames).draw(256, torch.Generator().manual_seed(2)).x[0]
        assert (float(drawn.mean()), float(drawn.std())) == pytest.approx(expected, abs=0.05 * expected[1])


def test_a_series_is_of_no_images() -> None:
    x = torch.randn(3, 5, 2)
    assert torch.equal(FrameInputs(length=5, mean=(0.0, 0.0), std=(9.0, 0.01)).of_standardised(x), x)
