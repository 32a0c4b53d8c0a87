"""Small setups for tests of methods that only ask: a counted teacher in the plane, of images, of jets."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from generators import tabular
from generators.images.convnet import ConvGenerator
from tests.methods.setups import SMALL_IMAGES, jets_setup
from zskt.forward import Pair
from zskt.methods import METHODS, Method, Setup
from zskt.networks.resnet import cifar_resnet
from zskt.query_budget import METER, QueryMeter
from zskt.teacher_access import AnswersOnly


class Counted(nn.Module):
    """A teacher that counts what it is asked itself."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.asked = network.eval().requires_grad_(False), 0

    def forward(self, *x: Tensor) -> Tensor:
        self.asked += len(x[0])
        answer: Tensor = self.network(*x)
        return answer


def plane() -> tuple[nn.Module, nn.Module, Any]:
    torch.manual_seed(0)
    teacher = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))
    with torch.no_grad():
        for layer in (teacher[0], teacher[2]):
            layer.weight.mul_(4)
    student = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    return teacher, student, tabular(-1.0, 1.0, size=4)


def images() -> tuple[nn.Module, nn.Module, Any]:
    torch.manual_seed(0)
    return cifar_resnet(8, 10), cifar_resnet(8, 10), ConvGenerator(SMALL_IMAGES)


def jets(generator: str) -> tuple[nn.Module, nn.Module, Any]:
    setup = jets_setup(generator)
    assert setup.pair.teacher is not None
    return setup.pair.teacher, setup.pair.student, setup.generator


DOMAINS: dict[str, Any] = {
    "vectors": plane,
    "images": images,
    "mlp": lambda: jets("mlp"),
    "shower": lambda: jets("shower"),
}
SMALL: dict[str, dict[str, Any]] = {
    "dfme": {"student_steps": 2, "directions": 2},
    "maze": {"student_steps": 2, "replay_steps": 2, "directions": 2},
    "disguide": {"replay_steps": 2},
    "hard-label": {"generator_steps": 2, "student_steps": 3},
    "prior-only": {"student_steps": 3},
}
"""Method -> settings that make it short."""


def start(
    name: str, domain: str = "vectors", *, queries: int = 0, access: str = "", seed: int = 0, **settings: Any
) -> tuple[Method, Counted]:
    """A method ready to run, its teacher metered; and the teacher."""
    network, student, generator = DOMAINS[domain]()
    kind, teacher, meter = METHODS[name], Counted(network), QueryMeter(queries)
    seen = AnswersOnly(teacher, access or kind.accesses[0])
    counting = meter.on(seen)
    counting.__enter__()
    pair = Pair(seen, student.train(), meter=meter)
    values = {"iterations": 6, "batch_size": 8} | SMALL[name] | settings
    method = kind(kind.Config(**values), Setup(pair=pair, generator=generator.train(), seed=seed))
    method.state.parts[METER] = meter
    method.counting = counting  # type: ignore[attr-defined]  # as long as the method lives
    return method, teacher
