"""Input specification of image networks."""

from __future__ import annotations

import torch

from teachers.image_file import random_images
from teachers.images import DATA
from teachers.vector_file import random_vectors
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
