"""DAFL: its losses by hand, and what its generator looks at."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from zskt.contracts import PseudoBatch
from zskt.errors import UserError
from zskt.forward import Pair
from zskt.generator import Generator
from zskt.methods import METHODS, Setup, iterate
from zskt.methods.dafl import DAFL


class Plane(Generator):
    """z -> points in the plane, by a learned shift and spread."""

    latent_size = 2

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        return PseudoBatch((self.layer(z),))


def start(student_scale: float = 1.0, **settings: float) -> DAFL:
    torch.manual_seed(0)
    teacher = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3)).requires_grad_(False)
    teacher.attention_layers = ("1",)  # type: ignore[assignment]
    generator = Plane()
    student = nn.Linear(2, 3)
    with torch.no_grad():
        student.weight.mul_(student_scale)
    config = DAFL.Config(iterations=30, batch_size=32, student_lr=0.05, **settings)
    return DAFL(config, Setup(pair=Pair(teacher, student), generator=generator))


def test_the_reward_is_minus_the_three_losses_of_the_paper() -> None:
    method = start(one_hot_weight=1.0, feature_weight=0.1, class_entropy_weight=5.0)
    logits = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]).log()
    features = torch.tensor([[1.0, -3.0], [0.0, 4.0]])
    mean = torch.tensor([0.4, 0.15, 0.45])
    entropy = -(mean * mean.log()).sum()
    expected = (math.log(0.7) + math.log(0.8)) / 2 + 0.1 * (2.0 + 2.0) / 2 + 5.0 * entropy
    assert torch.allclose(method.reward(logits, [features]).mean(), expected)


def test_the_generator_never_looks_at_the_student_and_the_student_learns() -> None:
    generators = []
    for scale in (1.0, 5.0):
        method = start(scale)
        losses = [metrics["loss/student"] for metrics in iterate(method)]
        assert losses[-1] < losses[0]
        assert method.state.counters == {"teacher_queries": 30 * 32, "steps": 30}
        generators.append(method.generator.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(*(g.values() for g in generators), strict=True))


def test_features_need_a_teacher_that_names_its_layers() -> None:
    pair = Pair(nn.Linear(2, 3), nn.Linear(2, 3))
    with pytest.raises(UserError, match="set feature_weight=0"):
        DAFL(DAFL.Config(), Setup(pair=pair, generator=Plane()))
    DAFL(DAFL.Config(feature_weight=0.0), Setup(pair=pair, generator=Plane()))
    assert METHODS["dafl"] is DAFL
