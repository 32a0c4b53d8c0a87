"""PRE-DFKD: its loss by hand, what is remembered, who looks at whom, and that a run goes on exactly."""

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
from zskt.methods.generative import Asked
from zskt.methods.pre_dfkd import PREDFKD

from .setups import (
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
    "batch_size": 16,
    "student_steps": 3,
    "memory_steps": 2,
    "student_lr": 0.02,
    "generator_lr": 1e-3,
}
SETUPS: dict[str, Callable[[], tuple[Setup, dict[str, float]]]] = {
    "images": lambda: (resnets_setup(), {}),
    "mlp": lambda: (jets_setup("mlp"), {}),
    "shower": lambda: (jets_setup("shower"), {"student_lr": 0.005}),
    "vectors": lambda: (numbers_setup(), {"feature_weight": 0.0}),
}


def made(setup: Setup, **settings: Any) -> PREDFKD:
    method = start("pre-dfkd", setup, **(SMALL | settings))
    assert isinstance(method, PREDFKD) and METHODS["pre-dfkd"] is PREDFKD
    return method


def test_the_loss_is_the_sum_of_its_terms() -> None:
    method = made(numbers_setup(), feature_weight=0.0, class_entropy_weight=5.0, disagreement_weight=2.0)
    teacher = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]).log()
    asked = Asked(PseudoBatch((teacher,)), teacher, teacher.clone(), teacher.argmax(1))
    mean_entropy = -sum(p * math.log(p) for p in (0.4, 0.15, 0.45))
    sure = -(math.log(0.7) + math.log(0.8)) / 2
    expected = 2.0 + sure + 5 * (math.log(3) - mean_entropy)  # equal beliefs: 1 - JS is 1
    assert float(method.losses(asked).mean()) == pytest.approx(expected, rel=1e-5)
    method.layers, method.features = ("x",), [torch.tensor([[2.0, -4.0], [0.0, 2.0]])]
    assert float(method.losses(asked).mean()) == pytest.approx(expected, rel=1e-5)  # of weight 0


def test_features_are_enlarged() -> None:
    method = made(resnets_setup(), feature_weight=0.5)
    teacher = torch.zeros(2, 10)
    asked = Asked(PseudoBatch((teacher,)), teacher, teacher, teacher.argmax(1))
    plain = method.losses(asked)
    method.features = [torch.tensor([[2.0, -4.0], [0.0, 2.0]])]
    assert (plain - method.losses(asked)).tolist() == pytest.approx([1.5, 0.5])


def test_the_generator_depends_on_the_student_by_disagreement_alone() -> None:
    def gradients(weight: float) -> list[torch.Tensor]:
        setups = (numbers_setup(scale) for scale in (1.0, 3.0))
        return [generator_gradient(made(setup, feature_weight=0.0, disagreement_weight=weight)) for setup in setups]

    assert torch.equal(*gradients(0.0))
    assert not torch.allclose(*gradients(5.0), rtol=1e-3)


def test_the_memory_rehearses_from_the_first_step_and_learns_from_itself_after_the_first_round() -> None:
    method = made(numbers_setup(), feature_weight=0.0, iterations=2, memory_fraction=0.25)
    assert method.memory is not None
    before = [p.clone() for p in method.memory.parameters()]
    run_until(method, 1)
    recalled = 4 + 4  # a step on z, and the samples' answers
    first = 16 + 3 * (16 + recalled) + 2 * (8 + 8)  # generator, student, memory: half a batch, and what became of it
    assert method.state.counters["teacher_queries"] == first
    assert any(not torch.equal(a, b) for a, b in zip(before, method.memory.parameters(), strict=True))
    run_until(method, 2)
    second = 16 + 3 * (16 + recalled) + 2 * (8 + recalled + 8 + 4)
    assert method.state.counters["teacher_queries"] == first + second


def test_the_memory_has_the_statistics_of_a_batch_while_it_learns_and_running_ones_for_the_student() -> None:
    method = made(resnets_setup(), feature_weight=0.0)
    assert method.memory is not None
    modes = []
    method.memory.decoder.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    for learning in (True, False):
        method.recall(learning=learning)
    assert modes == [True, True, False, False] and method.memory.decoder.training


def test_a_memory_learns_to_make_samples_again() -> None:
    method = made(numbers_setup(), feature_weight=0.0, generator_lr=0.2, batch_size=64)
    x = method.generator.sample(64, torch.Generator().manual_seed(1)).x
    losses = [float(method.remember(x)) for _ in range(60)]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


@pytest.mark.parametrize("name", SETUPS)
def test_the_student_learns_and_a_run_goes_on_exactly(name: str, tmp_path: Path) -> None:
    def make() -> Any:
        setup, more = SETUPS[name]()
        return start("pre-dfkd", setup, **(SMALL | more))

    logged = run_until(make(), 6)
    assert min(m["loss/student"] for m in logged[3:]) < logged[0]["loss/student"]
    require_exact_resume(make, tmp_path / "checkpoint.pt")


def test_features_need_a_teacher_that_names_its_layers() -> None:
    with pytest.raises(UserError, match="set feature_weight=0"):
        made(numbers_setup())
