"""What makes images fast changes nothing but rounding: twenty iterations against Algorithm 1 as it is written.

The obvious way has PyTorch's own layers, pixels doubled before they are convolved, every equation in every step, and
optimisers that take one parameter after the other.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from benchmarks.game import plain
from generators.images.convnet import ConvGenerator
from zskt.forward import Pair, capture
from zskt.methods import Setup
from zskt.networks.wide_resnet import WideResNet

from ..networks.statistics import randomise
from .setups import SMALL_IMAGES, run_until, start

ITERATIONS, STUDENT_STEPS, BATCH, BETA = 20, 3, 6, 20.0
STUDENT_LR, GENERATOR_LR, MAX_NORM = 2e-3, 1e-3, 5.0
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def doubles() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def players() -> tuple[nn.Module, nn.Module, nn.Module]:
    """Build a teacher, a student and the paper's generator, small."""
    torch.manual_seed(0)
    teacher = randomise(WideResNet(10, 2, 10)).eval().requires_grad_(False)
    return teacher, WideResNet(10, 1, 10).train(), ConvGenerator(SMALL_IMAGES).train()


def fall(now: int, steps: int) -> float:
    return 0.5 * (1 + math.cos(math.pi * now / steps))


def asked(network: nn.Module, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    with capture(network, ("groups.0", "groups.1", "groups.2")) as layers:
        logits: Tensor = network(x)
    return logits, [nn.functional.normalize(a.pow(2).mean(1).flatten(1), dim=1) for a in layers]


def kl(teacher: Tensor, student: Tensor) -> Tensor:
    p = teacher.softmax(1)
    return (p * (p.log() - student.softmax(1).log())).sum(1).mean()


def moved(optimizer: torch.optim.Optimizer, lr: float, loss: Tensor) -> None:
    parameters = optimizer.param_groups[0]["params"]
    optimizer.param_groups[0]["lr"] = lr
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = gradient
    nn.utils.clip_grad_norm_(parameters, MAX_NORM)
    optimizer.step()


def as_written(teacher: nn.Module, student: nn.Module, generator: nn.Module) -> list[float]:
    """Play Algorithm 1; the loss of each iteration's last student step."""
    rng, losses = torch.Generator().manual_seed(0), []
    for network in (teacher, student, generator):
        plain(network, CPU)
    one_by_one = {"foreach": False, "fused": False}
    learns = torch.optim.AdamW(student.parameters(), weight_decay=0.0, **one_by_one)
    climbs = torch.optim.Adam(generator.parameters(), **one_by_one)
    for i in range(ITERATIONS):
        z = torch.randn(BATCH, 100, generator=rng)
        x = generator(z, rng).x[0]
        moved(climbs, GENERATOR_LR * fall(i, ITERATIONS), -kl(asked(teacher, x)[0], asked(student, x)[0]))
        x = generator(z, rng).x[0].detach()
        for _ in range(STUDENT_STEPS):
            (t, maps), (s, own) = asked(teacher, x), asked(student, x)
            attention = sum((a - b).pow(2).mean() for a, b in zip(maps, own, strict=True))
            loss = kl(t, s) + BETA * attention
            moved(learns, STUDENT_LR * fall(STUDENT_STEPS * i, STUDENT_STEPS * ITERATIONS), loss)
        losses.append(float(loss.detach()))
    return losses


def test_twenty_iterations_are_those_of_algorithm_1() -> None:
    teacher, student, generator = players()
    theirs = tuple(copy.deepcopy(network) for network in (teacher, student, generator))
    expected = as_written(*theirs)
    assert isinstance(generator, ConvGenerator)
    setup = Setup(pair=Pair(teacher, student), generator=generator)
    settings = {"student_lr": STUDENT_LR, "generator_lr": GENERATOR_LR, "max_grad_norm": MAX_NORM}
    method = start(
        "zskt", setup, iterations=ITERATIONS, batch_size=BATCH, student_steps=STUDENT_STEPS, attention_weight=BETA,
        reuse_generator_batch=False, replay_fraction=0.0, **settings,
    )  # fmt: skip
    logged = [metrics["loss/student"] for metrics in run_until(method, ITERATIONS)]
    assert logged == pytest.approx(expected, rel=1e-6)
    for ours, obvious in ((student, theirs[1]), (generator, theirs[2])):
        differences = [
            float((a - b).abs().max())
            for a, b in zip(ours.state_dict().values(), obvious.state_dict().values(), strict=True)
        ]
        assert max(differences) < 1e-7
    assert expected[0] > 0 and expected[-1] != expected[0]
