"""Small setups for tests of methods: jets and images, and how a run is compared, interrupted and resumed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from generators import GENERATORS, tabular
from generators.images.convnet import ConvGenerator
from teachers.images import DATA
from zskt.forward import Pair
from zskt.images.inputs import ImageInputs
from zskt.jets.features import KIN
from zskt.methods import METHODS, Method, Setup, iterate
from zskt.networks.lenet_vgg import LeNet5
from zskt.networks.resnet import cifar_resnet
from zskt.networks.students import STUDENTS
from zskt.settings import Settings
from zskt.vectors.inputs import VectorInputs

SMALL_IMAGES = ImageInputs(mean=(0.5,) * 3, std=(0.25,) * 3, size=16, side=16)


def jets_setup(generator: str = "shower", teacher: nn.Module | None = None, **more: Any) -> Setup:
    """A particle-flow network, a smaller one, and a generator of jets."""
    torch.manual_seed(0)
    teacher = teacher or STUDENTS["pfn"].build(KIN, 10)
    student = STUDENTS["pfn-small"].build(KIN, 10)
    pair = Pair(teacher.eval().requires_grad_(False), student.train())
    return Setup(pair=pair, generator=GENERATORS[generator].build(KIN).train(), **more)


def resnets_setup(**more: Any) -> Setup:
    """ResNet-14 and ResNet-8, which have layers of the same widths, and the paper's generator."""
    torch.manual_seed(0)
    pair = Pair(cifar_resnet(14, 10).eval().requires_grad_(False), cifar_resnet(8, 10).train())
    return Setup(pair=pair, generator=ConvGenerator(SMALL_IMAGES).train(), **more)


def digits_setup(generator: str = "image", **more: Any) -> Setup:
    """LeNet-5, its half, and a generator of digits."""
    torch.manual_seed(0)
    pair = Pair(LeNet5(10).eval().requires_grad_(False), LeNet5(10, share=0.5).train())
    return Setup(pair=pair, generator=GENERATORS[generator].build(DATA["mnist"].inputs).train(), **more)


def vectors_setup(**more: Any) -> Setup:
    """A perceptron with a batch normalisation whose statistics are not those of a fresh one, a smaller one, numbers."""
    torch.manual_seed(0)
    teacher = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))
    teacher(torch.rand(64, 6))  # moves the running statistics
    student = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4))
    generator = tabular(0.0, 1.0, integers=(1,), categories=[(3, 4, 5)], size=6)
    return Setup(pair=Pair(teacher.eval().requires_grad_(False), student), generator=generator.train(), **more)


def start(name: str, setup: Setup, **settings: Any) -> Method:
    """A method, ready to run."""
    kind = METHODS[name]
    return kind(kind.Config(**settings), setup)


def run_until(method: Method, step: int) -> list[dict[str, float]]:
    """Run a method to the end of an iteration; what its iterations logged."""
    logged = []
    if method.state.step < step:
        for metrics in iterate(method):
            logged.append(metrics)
            if method.state.step == step:
                break
    return logged


def state_of(method: Method) -> list[Tensor]:
    """Everything that a run moves: networks and generator."""
    parts = (part for part in method.state.parts.values() if isinstance(part, nn.Module))
    return [tensor for part in parts for tensor in part.state_dict().values()]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def require_exact_resume(make: Callable[[], Method], path: Path, halves: tuple[int, int] = (3, 6)) -> None:
    """Assert that a run is the same, to the last bit, whether it is interrupted and resumed or not."""
    middle, end = halves
    config: Settings = make().config  # type: ignore[attr-defined]
    whole, first = make(), make()
    run_until(whole, end)
    run_until(first, middle)
    first.state.save(path, config.to_dict())
    torch.manual_seed(99)  # another process has another stream
    second = make()
    run_until(second, 1)  # whatever it did before, it is overwritten
    second.state.load(path, config.to_dict())
    assert second.state.step == middle
    run_until(second, end)
    assert second.state.step == end and second.state.counters == whole.state.counters
    assert same(state_of(whole), state_of(second)) and len(state_of(whole)) > 4


VECTORS = VectorInputs.from_bounds([-2.0, -2.0, -2.0, -2.0], 2.0)


def numbers_setup(student_scale: float = 1.0, generator: str = "tabular", **more: Any) -> Setup:
    """Two networks of four numbers and three classes, the teacher's normalised, and a generator of vectors.

    Args:
        student_scale: factor on the student's first parameters: makes another student.
    """
    torch.manual_seed(0)
    teacher = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
    for parameter in teacher.parameters():
        parameter.data.mul_(2)
    student = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    with torch.no_grad():
        next(student.parameters()).mul_(student_scale)
    pair = Pair(teacher.eval().requires_grad_(False), student.train())
    return Setup(pair=pair, generator=GENERATORS[generator].build(VECTORS).train(), **more)


def generator_gradient(method: Any, **more: Any) -> Tensor:
    """The gradient of a generative method's loss by its generator's parameters, (n,), on the first samples."""
    loss, _ = method.judge(method.draw(), **more)
    parameters = [p for p in method.generator.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    return torch.cat([g.flatten() for g in gradients if g is not None])


GENERATIVE_SETUPS: dict[str, Callable[[], Setup]] = {
    "images": resnets_setup,
    "mlp": lambda: jets_setup("mlp"),
    "shower": lambda: jets_setup("shower"),
    "vectors": numbers_setup,
}
"""Each kind of samples that a generative method runs on."""
