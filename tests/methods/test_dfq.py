"""DFQ: its loss by hand, its warm-up without the student, and that a run goes on exactly."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from zskt.contracts import PseudoBatch
from zskt.errors import UserError
from zskt.methods import METHODS, Setup
from zskt.methods.dfq import DFQ
from zskt.methods.generative import Asked

from .setups import (
    digits_setup,
    generator_gradient,
    jets_setup,
    numbers_setup,
    require_exact_resume,
    resnets_setup,
    run_until,
    start,
)

SMALL: dict[str, Any] = {
    "iterations": 6,
    "generator_warmup": 2,
    "batch_size": 16,
    "student_steps": 2,
    "student_lr": 0.02,
}
SETUPS: dict[str, Callable[[], tuple[Setup, dict[str, float]]]] = {
    "images": lambda: (resnets_setup(), {}),
    "mlp": lambda: (jets_setup("mlp"), {"bn_weight": 0.1}),
    "shower": lambda: (jets_setup("shower"), {"bn_weight": 0.1}),
    "vectors": lambda: (numbers_setup(), {}),
}


def test_the_loss_is_the_sum_of_the_four_terms() -> None:
    method = start("dfq", numbers_setup(), adversarial_weight=2.0, one_hot_weight=3.0, class_entropy_weight=5.0)
    assert isinstance(method, DFQ) and METHODS["dfq"] is DFQ
    teacher = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]).log()
    student = torch.full((2, 3), 1 / 3).log()
    asked = Asked(PseudoBatch((teacher,)), teacher, student, teacher.argmax(1))
    entropies = [-sum(p * math.log(p) for p in row) for row in ((0.7, 0.2, 0.1), (0.1, 0.1, 0.8))]
    divergence = math.log(3) - sum(entropies) / 2
    mean_entropy = -sum(p * math.log(p) for p in (0.4, 0.15, 0.45))
    sure = -(math.log(0.7) + math.log(0.8)) / 2
    expected = -2 * divergence + 3 * sure + 5 * (math.log(3) - mean_entropy)
    assert float(method.losses(asked).mean()) == pytest.approx(expected, rel=1e-5)
    warming = Asked(asked.batch, teacher, None, asked.targets)
    assert float(method.losses(warming).mean()) == pytest.approx(expected + 2 * divergence, rel=1e-5)


def test_statistics_weigh_in_the_loss_of_the_batch() -> None:
    losses = []
    for weight in (0.0, 1.0, 3.0):
        method = start("dfq", numbers_setup(), batch_size=16, bn_weight=weight)
        assert isinstance(method, DFQ)
        loss, _ = method.judge(method.draw(), asks_student=False)
        losses.append(float(loss.detach()))
    assert losses[1] > losses[0] + 1e-3
    assert losses[2] - losses[0] == pytest.approx(3 * (losses[1] - losses[0]), rel=1e-4)


def test_the_generator_depends_on_the_student_after_its_warm_up() -> None:
    gradients = {
        asks: [
            generator_gradient(start("dfq", numbers_setup(scale), batch_size=16), asks_student=asks)
            for scale in (1.0, 3.0)
        ]
        for asks in (True, False)
    }
    assert torch.equal(*gradients[False])
    assert not torch.allclose(*gradients[True], rtol=1e-3)


def test_a_warm_up_asks_the_teacher_and_moves_the_generator_alone() -> None:
    method = start("dfq", numbers_setup(), iterations=1, generator_warmup=7, batch_size=8, student_steps=3)
    run_until(method, 1)
    assert method.state.counters == {"teacher_queries": (7 + 1 + 3) * 8, "steps": 3}


@pytest.mark.parametrize("name", SETUPS)
def test_the_student_learns_and_a_run_goes_on_exactly(name: str, tmp_path: Path) -> None:
    def make() -> Any:
        setup, more = SETUPS[name]()
        return start("dfq", setup, **(SMALL | more))

    logged = run_until(make(), 6)
    assert logged[-1]["loss/student"] < logged[0]["loss/student"]
    require_exact_resume(make, tmp_path / "checkpoint.pt")


def test_a_teacher_without_normalisation_is_told_in_a_line() -> None:
    with pytest.raises(UserError, match=r"^bn_weight is 1\.0, but the teacher has no batch normalisation.*bn_weight=0"):
        start("dfq", digits_setup())
    start("dfq", digits_setup(), bn_weight=0.0)
