"""Black-box methods whose generator has nothing to train, or takes no step."""

import copy

import pytest
import torch
from torch import nn

import zskt


def uniform(count: int, rng: torch.Generator) -> torch.Tensor:
    return torch.rand(count, 4, generator=rng)


@pytest.mark.parametrize("method", ["hard-label", "disguide"])
def test_a_generator_without_parameters_is_sampled_as_it_is(method: str) -> None:
    torch.manual_seed(0)
    teacher, student = nn.Linear(4, 3), nn.Linear(4, 3)
    before = copy.deepcopy(student.state_dict())
    run = zskt.distill(teacher, student, generator=uniform, method=method, iterations=2, batch_size=8)
    assert run.steps > 0
    assert not torch.equal(run.student.state_dict()["weight"], before["weight"])


@pytest.mark.parametrize("method", ["dfme", "maze", "disguide", "hard-label"])
def test_a_generator_may_take_no_step(method: str) -> None:
    torch.manual_seed(0)
    generator = zskt.generators.tabular([0.0] * 4, [1.0] * 4)
    before = copy.deepcopy(generator.state_dict())
    run = zskt.distill(
        nn.Linear(4, 3),
        nn.Linear(4, 3),
        generator=generator,
        method=method,
        iterations=2,
        batch_size=8,
        generator_steps=0,
    )
    assert run.steps > 0
    parameters = dict(generator.named_parameters())
    assert parameters and all(torch.equal(before[name], value) for name, value in parameters.items())
