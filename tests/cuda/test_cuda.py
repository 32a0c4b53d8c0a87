"""On a GPU: the same losses as on the CPU in float32, replayed or not, every domain, every method, resume.

Run with ``pytest -m cuda``. Random streams differ between devices, so z is drawn on the CPU where losses are compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zskt
from generators import GENERATORS
from teachers import TEACHERS
from tests.methods.setups import SMALL_IMAGES, resnets_setup, run_until, start
from zskt.dataset import Labelled
from zskt.domains import DOMAINS
from zskt.errors import NonFiniteLoss
from zskt.forward import Pair
from zskt.generator import Generator
from zskt.methods import Method, Setup
from zskt.networks.students import STUDENTS
from zskt.networks.wide_resnet import WideResNet

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that PyTorch can use"),
]
CUDA = torch.device("cuda")
ITERATIONS, STUDENT_STEPS = 6, 3
ZSKT: dict[str, Any] = {
    "iterations": ITERATIONS,
    "batch_size": 16,
    "student_steps": STUDENT_STEPS,
    "replay_size": 64,
    "student_lr": 1e-3,
    "replay_balance": 0.5,
}
RECIPES: dict[str, dict[str, Any]] = {
    "ours": ZSKT | {"bn_statistics_weight": 1.0, "class_entropy_weight": 1.0, "ema_decay": 0.9, "temperature": 4.0},
    "paper": ZSKT | {"reuse_generator_batch": False, "replay_fraction": 0.0, "attention_weight": 10.0},
    "asked again": ZSKT | {"hint_weight": 1.0, "cutmix": 0.5},
    "moved": ZSKT | {"perturbation_radius": 1.0},
}


@pytest.fixture(autouse=True)
def _full_precision() -> Iterator[None]:
    """Convolutions in float32, by the same algorithm each time."""
    cudnn = torch.backends.cudnn
    before = cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark
    cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark = False, True, False
    yield
    cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark = before


@pytest.fixture
def latent_of_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw z, and by how much images are moved, on the CPU."""
    streams: dict[torch.Generator, torch.Generator] = {}

    def latent(self: Generator, count: int, rng: torch.Generator) -> Tensor:
        stream = streams.setdefault(rng, torch.Generator().manual_seed(7))
        return torch.randn(count, self.latent_size, generator=stream).to(rng.device)

    monkeypatch.setattr(Generator, "latent", latent)


def placed(setup: Setup) -> Setup:
    """Move all of a setup to the GPU, as the product does."""
    for network in (setup.pair.teacher, setup.pair.student, setup.generator):
        if isinstance(network, nn.Module):
            DOMAINS["images"].place(network, CUDA)
    return Setup(pair=setup.pair, generator=setup.generator, data=setup.data, inputs=setup.inputs, device=CUDA)


def student_of(method: Method) -> list[Tensor]:
    return [t.detach().cpu() for t in method.result.state_dict().values() if t.is_floating_point()]


def close(a: list[Tensor], b: list[Tensor], tolerance: float) -> bool:
    return all(torch.allclose(x, y, rtol=tolerance, atol=tolerance) for x, y in zip(a, b, strict=True))


@pytest.mark.usefixtures("latent_of_the_cpu")
@pytest.mark.parametrize("recipe", [name for name in RECIPES if name != "moved"])
def test_the_game_has_the_losses_that_it_has_on_the_cpu(recipe: str) -> None:
    logged = {}
    for device, setup in (("cpu", resnets_setup()), ("cuda", placed(resnets_setup()))):
        method = start("zskt", setup, **RECIPES[recipe] | {"replay_fraction": 0.0, "cutmix": 0.0})  # streams differ
        logged[device] = run_until(method, ITERATIONS)
    for i, (cpu, cuda) in enumerate(zip(logged["cpu"], logged["cuda"], strict=True)):
        for name in ("loss/student", "kl/generator"):
            assert cuda[name] == pytest.approx(cpu[name], rel=0.01 * 2**i), f"{name}, iteration {i}"


@pytest.mark.parametrize("recipe", RECIPES)
def test_replayed_steps_are_the_steps_that_are_launched_one_by_one(
    recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    students = []
    for warm_up in (3, 10**9):
        monkeypatch.setattr("zskt.cuda_graphs.WARM_UP", warm_up)
        method = start("zskt", placed(resnets_setup()), **RECIPES[recipe])
        run_until(method, ITERATIONS)
        replays = method.student_step._replayed._graphs  # type: ignore[attr-defined]
        assert bool(replays) == (warm_up == 3)
        students.append(student_of(method))
    assert close(*students, tolerance=1e-4)


def test_a_run_that_is_resumed_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    whole = start("zskt", placed(resnets_setup()), **RECIPES["ours"])
    run_until(whole, ITERATIONS)
    first = start("zskt", placed(resnets_setup()), **RECIPES["ours"])
    run_until(first, 3)
    first.state.save(tmp_path / "checkpoint.pt", {})
    second = start("zskt", placed(resnets_setup()), **RECIPES["ours"])
    second.state.load(tmp_path / "checkpoint.pt", {})
    run_until(second, ITERATIONS)
    assert close(student_of(whole), student_of(second), tolerance=1e-4)
    assert second.state.counters == whole.state.counters


class Breaking(nn.Module):
    """A teacher whose answers are NaN after some calls, which the GPU alone knows."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.calls = calls
        self.register_buffer("called", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.get_buffer("called").add_(1)
        answer: Tensor = self.linear(x)
        return torch.where(self.get_buffer("called") > self.calls, math.nan, answer)


def test_a_loss_that_is_not_finite_stops_the_run_and_leaves_the_student_as_it_was() -> None:
    torch.manual_seed(0)
    student = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    teacher = Breaking(calls=4).to(CUDA).requires_grad_(False).eval()
    generator = zskt.generators.tabular([-1.0] * 4, [1.0] * 4).to(CUDA)
    setup = Setup(pair=Pair(teacher, student.to(CUDA).train()), generator=generator, device=CUDA)
    method = start("zskt", setup, **ZSKT | {"replay_fraction": 0.0})
    run_until(method, 4)
    before = student_of(method)
    with pytest.raises(NonFiniteLoss, match=r"iteration 4: .* not finite"):
        run_until(method, ITERATIONS)
    assert close(before, student_of(method), tolerance=0)


@pytest.mark.parametrize("method", ["zskt", "dafl", "kd", "supervised"])
@pytest.mark.parametrize("domain", ["images", "vectors"])
def test_every_method_learns_on_a_gpu(method: str, domain: str) -> None:
    torch.manual_seed(0)
    if domain == "images":
        teacher, student = WideResNet(10, 1, 10), WideResNet(10, 1, 10)
        shape: tuple[int, ...] = (3, 32, 32)
        generator: Any = zskt.generators.convnet(3, 32)
    else:
        teacher, student = (nn.Sequential(nn.Linear(6, h), nn.ReLU(), nn.Linear(h, 10)) for h in (32, 16))  # type: ignore[assignment]
        shape, generator = (6,), zskt.generators.tabular([-1.0] * 6, [1.0] * 6)
    data = [(torch.randn(64, *shape), torch.arange(64) % 10)]
    own: dict[str, Any] = {"dafl": {"feature_weight": 0.0}, "kd": {"student_steps": 3}}.get(method, {})
    given: dict[str, Any] = {"generator": generator} if method in ("zskt", "dafl") else {"data": data}
    run = zskt.distill(
        None if method == "supervised" else teacher, student, method=method, iterations=3, batch_size=16,
        device="cuda", evaluate=data, **given, **own,
    )  # fmt: skip
    assert next(run.student.parameters()).is_cuda
    assert run.evaluation is not None
    assert all(p.isfinite().all() for p in run.student.parameters())


@pytest.mark.parametrize("name", [n for n, g in GENERATORS.items() if g.domain == "images"])
def test_every_generator_of_images_paints_on_a_gpu(name: str) -> None:
    generator = DOMAINS["images"].place(GENERATORS[name].build(SMALL_IMAGES), CUDA)
    assert isinstance(generator, Generator)
    batch = generator.sample(8, torch.Generator(CUDA).manual_seed(0))
    assert batch.x[0].shape == (8, 3, 16, 16)
    assert batch.x[0].is_cuda
    assert batch.x[0].isfinite().all()


@pytest.mark.parametrize("generator", [n for n, g in GENERATORS.items() if g.domain == "jets"])
@pytest.mark.parametrize("student", ["pfn-small", "particlenet-light"])
def test_jets_are_made_asked_about_and_learned_on_a_gpu(generator: str, student: str) -> None:
    torch.manual_seed(0)
    card = TEACHERS["zskt-particlenet"]
    teacher = DOMAINS["jets"].place(card.load(), CUDA)
    own = DOMAINS["jets"].place(STUDENTS[student].build(card.inputs, len(card.classes)), CUDA).train()
    made = DOMAINS["jets"].place(GENERATORS[generator].build(card.inputs), CUDA).train()
    assert isinstance(made, Generator)
    setup = Setup(pair=Pair(teacher, own), generator=made, inputs=card.inputs, device=CUDA)
    logged = run_until(start("zskt", setup, **ZSKT), ITERATIONS)
    assert math.isfinite(logged[-1]["loss/student"])
    cpu_teacher = card.load()
    batch = made.sample(32, torch.Generator(CUDA).manual_seed(1))
    with torch.no_grad():
        there = teacher(*batch.x).softmax(1).cpu()
        here = cpu_teacher(*(t.cpu() for t in batch.x)).softmax(1)
    assert torch.allclose(there, here, atol=1e-3)


def test_images_are_augmented_where_they_are() -> None:
    pixels = torch.randint(0, 256, (64, 3, 32, 32), dtype=torch.uint8)
    inputs = TEACHERS["cifar10-wrn-16-2"].inputs
    losses = {}
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        student = WideResNet(10, 1, 10)
        DOMAINS["images"].place(student, torch.device(device)).train()
        data = Labelled(pixels, torch.arange(64) % 10)
        setup = Setup(pair=Pair(None, student), data=data, inputs=inputs, device=torch.device(device))
        options = {"kd_fraction": 0.0, "augment": "shift-mirror", "optimizer": "one-cycle", "student_lr": 0.05}
        method = start("supervised", setup, epochs=3, batch_size=16, **options)
        losses[device] = [metrics["loss/student"] for metrics in run_until(method, 3)]
    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=0.05)
