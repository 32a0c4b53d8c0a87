"""Runs that diverge: every method stops before the step that would spoil its student, and says what is left."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.methods.setups import numbers_setup
from zskt.api import read_loader
from zskt.checkpoint import TrainState
from zskt.dataset import TensorInputs
from zskt.errors import NonFiniteLoss
from zskt.experiments.divergence import require_finite_parameters, saying_what_is_left
from zskt.experiments.run_folder import RunFolder
from zskt.forward import Pair
from zskt.methods import METHODS, Method, Setup, iterate
from zskt.optim import step_along
from zskt.teacher_access import GRADIENT, AnswersOnly

SMALL = {
    "iterations": 4, "epochs": 2, "batch_size": 8, "student_steps": 2, "synthesis_steps": 2, "synthesis_size": 8,
    "synthesis_batch_size": 8, "generator_steps": 2, "replay_size": 16, "warmup": 0, "synthesis_warmup": 0,
    "feature_weight": 0.0,
}  # fmt: skip


def method(name: str, teacher: nn.Module | None = None) -> tuple[Method, nn.Module]:
    """A small method on vectors, and its student."""
    setup: Setup = numbers_setup()
    kind = METHODS[name]
    network: Any = teacher or setup.pair.teacher
    if GRADIENT not in kind.accesses:
        network = AnswersOnly(network, kind.accesses[0])
        network.classes = 3
    changes: dict[str, Any] = {"pair": Pair(network, setup.pair.student)}
    if kind.needs_data:
        data = read_loader([(torch.rand(16, 4), torch.arange(16) % 3)])
        changes |= {"data": data, "inputs": TensorInputs(), "generator": None}
    settings = {k: v for k, v in SMALL.items() if k in kind.Config.names()}
    return kind(kind.Config(**settings), dataclasses.replace(setup, **changes)), setup.pair.student


class Broken(nn.Module):
    """A teacher with a parameter that is not a number, as from a damaged file."""

    def __init__(self) -> None:
        super().__init__()
        self.network = numbers_setup().pair.teacher
        assert self.network is not None
        with torch.no_grad():
            next(self.network.parameters())[0, 0] = math.nan

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.network(x)  # type: ignore[misc]
        return answer


@pytest.mark.faults
@pytest.mark.parametrize("name", [name for name in METHODS if name != "supervised"])
def test_a_teacher_that_answers_nan_spoils_no_student(name: str) -> None:
    tried, student = method(name, Broken().eval().requires_grad_(False))
    before = [p.clone() for p in student.parameters()]
    with pytest.raises(NonFiniteLoss) as caught:
        list(iterate(tried))
    assert all(torch.equal(p, q) for p, q in zip(before, student.parameters(), strict=True))
    assert re.fullmatch(r"iteration [01]: .* is (nan|inf); no step was taken on it", str(caught.value))


@pytest.mark.faults
@pytest.mark.parametrize("name", list(METHODS))
def test_a_gradient_that_is_nan_spoils_no_student(name: str) -> None:
    tried, student = method(name)
    next(student.parameters()).register_hook(lambda gradient: gradient * math.nan)
    before = [p.clone() for p in student.parameters()]
    with pytest.raises(NonFiniteLoss, match=r"iteration [01]: .* is nan; no step was taken on it"):
        list(iterate(tried))
    assert all(torch.equal(p, q) for p, q in zip(before, student.parameters(), strict=True))


def test_a_step_along_given_gradients_refuses_nan() -> None:
    weight = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.5)
    with pytest.raises(NonFiniteLoss, match="norm of the gradient is nan"):
        step_along([weight], [torch.tensor([math.nan, 0.0])], optimizer)
    assert torch.equal(weight, torch.ones(2))
    step_along([weight], [torch.tensor([1.0, 0.0])], optimizer)
    assert weight.tolist() == [0.5, 1.0]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_parameters_and_statistics_are_looked_at_before_they_are_saved(value: float) -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    network.register_buffer("bound", torch.tensor(math.inf))  # a constant may be what it likes
    state = TrainState(parts={"student": network}, streams={}, step=7)
    require_finite_parameters(state)
    for tensor in (network[0].weight, network[1].running_var):
        before = tensor.detach().clone()
        tensor.data.view(-1)[0] = value
        with pytest.raises(NonFiniteLoss, match="iteration 7: a parameter of the student is not finite"):
            require_finite_parameters(state)
        tensor.data.copy_(before)
    require_finite_parameters(state)


def test_the_last_good_checkpoint_is_named(tmp_path: Path) -> None:
    folder, state = RunFolder(tmp_path / "my run"), TrainState(parts={}, streams={}, step=3)
    with (
        pytest.raises(NonFiniteLoss, match="5: loss is nan; nothing was saved"),
        saying_what_is_left(folder, state),
    ):
        raise NonFiniteLoss("step 5: loss is nan")
    state.save(folder.checkpoint, {})
    with pytest.raises(NonFiniteLoss) as caught, saying_what_is_left(folder, state):
        raise NonFiniteLoss("step 5: loss is nan")
    assert str(caught.value) == f"step 5: loss is nan; good until iteration 3: '{folder.checkpoint}'"
