"""What the tests of the Python interface share."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.api.networks import mlp, teach


@pytest.fixture(scope="package")
def numbers() -> tuple[nn.Module, Tensor, Tensor]:
    """A teacher on 16 numbers between -1 and 1, samples and labels."""
    torch.manual_seed(0)
    x = 2 * torch.rand(1000, 16) - 1
    labels = 2 * (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] + x[:, 3] > 0).long()
    return teach(mlp(64), (x,), labels), x, labels
