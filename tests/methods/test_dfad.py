"""DFAD: its loss by hand, who looks at whom, and that a run goes on exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from zskt.contracts import PseudoBatch
from zskt.errors import UserError
from zskt.forward import Pair
from zskt.methods import METHODS, Setup
from zskt.methods.dfad import DFAD
from zskt.methods.generative import Asked

from .setups import (
    GENERATIVE_SETUPS,
    generator_gradient,
    jets_setup,
    numbers_setup,
    require_exact_resume,
    run_until,
    start,
)

SMALL: dict[str, Any] = {
    "iterations": 6,
    "batch_size": 16,
    "student_steps": 4,
    "student_lr": 0.05,
    "schedule": "cosine",
}


def test_the_generator_goes_up_the_mean_distance_of_logits() -> None:
    method = start("dfad", numbers_setup())
    assert isinstance(method, DFAD) and METHODS["dfad"] is DFAD
    teacher, student = torch.tensor([[1.0, 3.0], [0.0, 0.0]]), torch.tensor([[0.0, 5.0], [0.5, -0.5]])
    asked = Asked(PseudoBatch((teacher,)), teacher, student, torch.tensor([1, 0]))
    assert method.losses(asked).tolist() == [-1.5, -0.5]
    assert start("dfad", numbers_setup(), adversarial_weight=0.5).losses(asked).tolist() == [-0.75, -0.25]  # type: ignore[attr-defined]


def test_the_generator_depends_on_the_student() -> None:
    first, second = (generator_gradient(start("dfad", numbers_setup(scale), **SMALL)) for scale in (1.0, 3.0))
    assert not torch.allclose(first, second, rtol=1e-2)


def test_five_student_steps_of_fresh_samples_and_a_generator_step_a_round() -> None:
    method = start("dfad", numbers_setup(), iterations=2, batch_size=8)
    run_until(method, 2)
    assert method.state.counters == {"teacher_queries": 2 * 6 * 8, "steps": 2 * 5}


@pytest.mark.parametrize("name", GENERATIVE_SETUPS)
def test_the_student_learns_and_a_run_goes_on_exactly(name: str, tmp_path: Path) -> None:
    def make() -> Any:
        return start("dfad", GENERATIVE_SETUPS[name](), **SMALL)

    logged = run_until(make(), 6)
    assert logged[-1]["loss/student"] < logged[0]["loss/student"]
    require_exact_resume(make, tmp_path / "checkpoint.pt")


def test_rates_fall_by_ten_twice() -> None:
    method = start("dfad", numbers_setup(), iterations=10, batch_size=8)
    rates = [round(metrics["rate/student"], 6) for metrics in run_until(method, 10)]
    assert rates == [0.1, 0.1, 0.01, 0.01, *[0.001] * 6]


def test_regressed_values_are_refused() -> None:
    setup = numbers_setup()
    pair = Pair(setup.pair.teacher, setup.pair.student, regression_scale=torch.ones(1))
    with pytest.raises(UserError, match=r"^dfad: knows logits alone"):
        start("dfad", Setup(pair=pair, generator=setup.generator))


def test_a_prior_needs_no_gradient() -> None:
    method = start("dfad", jets_setup("shower-prior"), **SMALL)
    run_until(method, 1)
    assert method.state.counters["teacher_queries"] == 4 * 16  # no step of the generator
