"""AdaDFKD: its loss by hand, the curriculum, who looks at whom, and that a run goes on exactly."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from zskt.contracts import PseudoBatch
from zskt.methods import METHODS, Setup
from zskt.methods.adadfkd import AdaDFKD
from zskt.methods.generative import Asked

from .setups import (
    GENERATIVE_SETUPS,
    generator_gradient,
    numbers_setup,
    require_exact_resume,
    resnets_setup,
    run_until,
    start,
)

SMALL: dict[str, Any] = {
    "iterations": 6,
    "batch_size": 16,
    "student_steps": 3,
    "student_lr": 0.01,
    "student_optimizer": "adamw",
    "contrast_size": 32,
    "bn_weight": 0.1,
}


def made(setup: Setup, **settings: Any) -> AdaDFKD:
    method = start("adadfkd", setup, **(SMALL | settings))
    assert isinstance(method, AdaDFKD) and METHODS["adadfkd"] is AdaDFKD
    return method


def test_the_loss_is_the_sum_of_its_terms() -> None:
    weights = {"adversarial_weight": 2.0, "one_hot_weight": 3.0, "class_entropy_weight": 5.0}
    method = made(numbers_setup(), contrast_weight=0.0, temperature=1.0, **weights)
    teacher = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]).log()
    student = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])  # agrees on the first alone
    asked = Asked(PseudoBatch((teacher,)), teacher, student, teacher.argmax(1))
    softened = [(teacher[0] / 3).softmax(0), (student[0] / 3).softmax(0)]
    divergence = 9 * sum(float(t) * math.log(float(t) / float(s)) for t, s in zip(*softened, strict=True))
    mean_entropy = -sum(p * math.log(p) for p in (0.4, 0.15, 0.45))
    sure = -(math.log(0.7) + math.log(0.8)) / 2
    expected = -2 * divergence / 2 + 3 * sure + 5 * (math.log(3) - mean_entropy)
    assert float(method.losses(asked).mean()) == pytest.approx(expected, rel=1e-4)


def test_the_generator_depends_on_the_student_by_adversary_and_by_contrast() -> None:
    def gradients(**settings: float) -> list[torch.Tensor]:
        rows = []
        for scale in (1.0, 3.0):
            method = made(numbers_setup(scale), batch_size=64, **settings)
            method.judge(method.draw())  # fills the queue
            rows.append(generator_gradient(method))
        return rows

    assert torch.equal(*gradients(adversarial_weight=0.0, contrast_weight=0.0))
    assert not torch.allclose(*gradients(adversarial_weight=0.0, contrast_weight=1.0), rtol=1e-3)
    assert not torch.allclose(*gradients(adversarial_weight=5.0, contrast_weight=0.0), rtol=1e-3)


def test_threshold_and_hardness_grow() -> None:
    method = made(numbers_setup(), curriculum_threshold=2.0, curriculum_growth=0.5, contrast_length=0.8, iterations=8)
    logged = run_until(method, 8)
    assert [m["threshold"] for m in logged] == [2.0 + 0.5 * (3 * i + 2) for i in range(8)]
    method.state.step = 3
    assert method.hardness() == pytest.approx(0.1)
    method.state.step = 7
    assert method.hardness() == pytest.approx(0.2)


@pytest.mark.parametrize("name", GENERATIVE_SETUPS)
def test_the_student_learns_and_a_run_goes_on_exactly(name: str, tmp_path: Path) -> None:
    def make() -> Any:
        return start("adadfkd", GENERATIVE_SETUPS[name](), **SMALL)

    logged = run_until(make(), 6)
    assert logged[-1]["loss/student"] < logged[0]["loss/student"]
    require_exact_resume(make, tmp_path / "checkpoint.pt")


def test_large_logits_do_not_silence_a_curriculum_that_counts_in_its_first_loss(tmp_path: Path) -> None:
    def make(unit: str) -> AdaDFKD:
        setup = numbers_setup()
        assert setup.pair.teacher is not None
        with torch.no_grad():
            for parameter in list(setup.pair.teacher.parameters())[-2:]:
                parameter.mul_(100)
        return made(setup, curriculum_unit=unit)  # T = 20: a sure teacher costs up to 400 log K nats

    nats, first = (run_until(make(unit), 6) for unit in ("nats", "first loss"))
    assert nats[0]["loss/student"] < 1e-6 < 1 < first[0]["loss/student"]
    method = make("first loss")
    run_until(method, 2)
    x, answer = method.fresh()
    assert method.unit(x, answer) == method.state.counters["first_loss"] > 10
    require_exact_resume(lambda: make("first loss"), tmp_path / "checkpoint.pt")


def test_the_generator_evaluates_for_the_student_and_learns_in_training_mode() -> None:
    method = start("adadfkd", resnets_setup(), iterations=1, batch_size=4, student_steps=1, bn_weight=0.0)
    modes: list[bool] = []
    method.generator.register_forward_pre_hook(lambda module, _: modes.append(module.training))  # type: ignore[attr-defined]
    run_until(method, 1)
    assert modes == [True, False] and method.generator.training  # type: ignore[attr-defined]
