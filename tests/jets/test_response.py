"""Response to the energy scale, of networks whose answers are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zskt.dataset import Labelled
from zskt.jets.features import KIN
from zskt.jets.jets import JETCLASS_CLASSES
from zskt.jets.read import read_constituents
from zskt.jets.response import compare_scale_response, scale_response
from zskt.jets.sample import SAMPLE


class Momentum(nn.Module):
    """Logits (a sum over particles of log pT times a number, 0, ...)."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, points: Tensor, features: Tensor, mask: Tensor) -> Tensor:
        leading = features[:, 0, 0] / 0.7 + 1.7
        logit = self.number * (leading - 5.0)
        return torch.stack([logit, *[torch.zeros_like(logit)] * 9], 1)


@pytest.fixture(scope="module")
def data() -> Labelled:
    return read_constituents(SAMPLE, JETCLASS_CLASSES)[:120]


def test_the_response_of_a_logit_of_log_pt_is_its_number_times_the_scale(data: Labelled) -> None:
    network, of = Momentum(2.0), torch.zeros(len(data), dtype=torch.long)
    z = network(*KIN(data.samples))
    expected = 2.0 * 0.01 * (1 - z.softmax(1)[:, 0])  # d log p / dz = 1 - p
    found = scale_response(network, data, KIN, of, 0.01)
    assert torch.allclose(found, expected, atol=2e-4)


def test_a_student_with_half_the_response_is_found_out(data: Labelled) -> None:
    figures = compare_scale_response(Momentum(0.2), Momentum(0.1), data, KIN)
    assert figures["correlation"] > 0.9
    assert figures["student_rms"] == pytest.approx(figures["teacher_rms"] / 2, rel=0.15)
    same = compare_scale_response(Momentum(0.2), Momentum(0.2), data, KIN)
    assert same["relative_difference"] == 0 and same["correlation"] == pytest.approx(1)
