"""Input specification of image networks."""

from __future__ import annotations

import torch

from teachers.images import DATA


def test_inputs_are_normalised_and_padded_and_pictures_undo_it() -> None:
    pixels = torch.randint(0, 256, (2, 1, 28, 28), dtype=torch.uint8)
    (x,) = DATA["mnist"].inputs(pixels)
    assert x.shape == (2, 1, 32, 32)
    back = DATA["mnist"].inputs.intensities(x)
    assert torch.allclose(back[:, :, 2:-2, 2:-2], pixels / 255, atol=1e-6)
    assert back[:, :, 0].abs().max() < 1e-6
