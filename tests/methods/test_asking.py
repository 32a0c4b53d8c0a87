"""Which pseudo-samples the teacher is asked about."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import zskt
from zskt.contracts import PseudoBatch
from zskt.errors import UserError
from zskt.methods.asking import drawn_for, least_certain


class Sure(nn.Module):
    """Is as sure as its input is large; a normalisation tells whether it was asked in training."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.norm(x), -x], 1)


def test_samples_of_the_largest_entropy_stay_in_their_order_and_the_student_is_left_as_it_was() -> None:
    student = Sure().train()
    x = torch.tensor([[0.1], [5.0], [-0.2], [3.0], [0.0], [-9.0]])
    batch = least_certain(PseudoBatch((x,), view="seen", component=torch.zeros(6)), student, 3)
    assert batch.x[0].flatten().tolist() == pytest.approx([0.1, -0.2, 0.0])
    assert batch.view is None and batch.component is None
    assert student.training and int(student.norm.num_batches_tracked) == 0
    assert drawn_for(128, 0.25) == 512 and drawn_for(128, 1.0) == 128


def test_teacher_is_asked_about_a_share_of_what_is_drawn() -> None:
    drawn: list[int] = []

    def source(count: int, rng: torch.Generator) -> Tensor:
        drawn.append(count)
        return torch.randn(count, 4, generator=rng)

    run = zskt.distill(
        nn.Linear(4, 3), nn.Linear(4, 3), generator=source, iterations=5, batch_size=16, student_steps=1, ask_share=0.25
    )
    assert run.teacher_queries == 8 + 5 * 16 and drawn.count(64) == 5  # 8 to see whether the networks fit


def test_generator_that_is_trained_is_asked_about_whole() -> None:
    with pytest.raises(UserError, match="take a generator without parameters"):
        zskt.distill(
            nn.Linear(4, 3), nn.Linear(4, 3), generator=zskt.generators.tabular([0.0] * 4, [1.0] * 4), iterations=1,
            batch_size=16, ask_share=0.5,
        )  # fmt: skip
