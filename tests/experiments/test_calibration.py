"""What is calibrated before a run begins: networks that have a ``calibrate``, wherever in the student they are."""

from __future__ import annotations

import torch
from torch import nn

from zskt.dataset import Labelled
from zskt.experiments.preparation import calibrate
from zskt.forward import Pair
from zskt.methods import Setup
from zskt.networks.additive import Additive
from zskt.networks.regression_head import RegressionHead
from zskt.vectors.inputs import VectorInputs
from zskt.vectors.student_views import features
from zskt.viewed import Viewed


class Teacher(nn.Module):
    """Two classes and a value of 100 x."""

    regressions = 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x[:, 0], -x[:, 0], 100 * x[:, 1]], 1)


def test_both_kinds_see_what_they_need_behind_view_and_head() -> None:
    x = torch.stack([torch.linspace(0, 1, 101), torch.linspace(5, 7, 101)], 1)
    inputs = VectorInputs.from_bounds(0, 10, size=2)
    network = Additive(1, 3, knots=3)
    student = RegressionHead(Viewed(features(inputs, "x1"), network), 1).train()
    setup = Setup(
        pair=Pair(Teacher(), student), generator=None, data=Labelled(x, torch.zeros(101).long()), inputs=inputs,
        seed=0, device=torch.device("cpu"),
    )  # fmt: skip
    calibrate(setup)
    assert torch.allclose(network.knots, torch.tensor([[5.0, 6.0, 7.0]]))
    assert torch.allclose(student.centre, torch.tensor([600.0]), atol=1e-2)
    assert student.training and network.training
