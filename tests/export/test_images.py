"""Preprocessing that is part of an exported image network."""

from __future__ import annotations

import torch
from torch import nn

from zskt.export.images import with_preprocessing
from zskt.images.inputs import ImageInputs


def test_intensities_are_padded_and_normalised_and_probabilities_come_out() -> None:
    inputs = ImageInputs(mean=(0.5,), std=(0.25,), size=4)
    pixels = torch.tensor([[[[0, 255], [102, 51]]]], dtype=torch.uint8)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    expected = network(*inputs(pixels)).softmax(1)
    assert torch.allclose(with_preprocessing(network, inputs)(pixels.float() / 255), expected, atol=1e-6)
