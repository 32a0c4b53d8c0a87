"""Algorithm 1: exact resume, counted queries, replay, and what each setting changes; on small networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from generators import GENERATORS
from generators.images.convnet import ConvGenerator
from tests.methods.setups import (
    SMALL_IMAGES,
    digits_setup,
    jets_setup,
    require_exact_resume,
    resnets_setup,
    run_until,
    same,
    start,
)
from zskt.contracts import PseudoBatch
from zskt.errors import NonFiniteLoss, UserError
from zskt.experiments.image_presets import PAPER
from zskt.forward import Pair
from zskt.generator import Generator
from zskt.jets.features import KIN
from zskt.methods import Setup
from zskt.methods.zskt import ZSKT
from zskt.networks.resnet import cifar_resnet
from zskt.networks.students import STUDENTS
from zskt.terms.hint import Hint

BASE: dict[str, Any] = {
    "iterations": 6,
    "batch_size": 16,
    "student_steps": 2,
    "replay_size": 64,
    "student_lr": 1e-3,
    "attention_weight": 1.0,
    "replay_balance": 0.5,
}
RESNETS: dict[str, Any] = {
    "iterations": 4,
    "batch_size": 8,
    "student_steps": 2,
    "replay_size": 64,
    "replay_fraction": 0.5,
    "generator_every": 0,
    "hint_weight": 3.0,
    "cutmix": 0.5,
}


def jets(generator: str = "shower", **settings: Any) -> ZSKT:
    method = start("zskt", jets_setup(generator), **BASE | settings)
    assert isinstance(method, ZSKT)
    return method


def resnets(**settings: Any) -> ZSKT:
    method = start("zskt", resnets_setup(), **RESNETS | settings)
    assert isinstance(method, ZSKT)
    return method


@pytest.mark.parametrize("generator", [name for name, entry in GENERATORS.items() if entry.domain == "jets"])
def test_six_iterations_equal_three_a_restart_and_three_to_the_last_bit(generator: str, tmp_path: Path) -> None:
    require_exact_resume(lambda: jets(generator), tmp_path / "checkpoint.pt")


def test_a_graph_networks_run_resumes_exactly(tmp_path: Path) -> None:
    def make() -> ZSKT:
        torch.manual_seed(0)
        setup = jets_setup(teacher=STUDENTS["particlenet-light"].build(KIN, 10))
        method = start("zskt", setup, **BASE | {"iterations": 2})
        assert isinstance(method, ZSKT)
        return method

    require_exact_resume(make, tmp_path / "checkpoint.pt", (1, 2))


def test_a_run_with_hints_cutmix_and_an_average_resumes_exactly(tmp_path: Path) -> None:
    require_exact_resume(lambda: resnets(ema_decay=0.7), tmp_path / "checkpoint.pt", (2, 4))


def test_an_iteration_without_student_steps_queries_and_remembers() -> None:
    method = jets(iterations=10, student_steps=1, step_growth=3.0, replay_fraction=0.9)
    logged = run_until(method, 2)
    assert "loss/student" not in logged[0] and "kl/generator" in logged[0]
    assert method.state.counters["teacher_queries"] == 2 * 16 and len(method.replay) == 32
    assert method.state.counters["steps"] == 0
    run_until(method, 10)
    assert method.state.counters["steps"] == 10


@pytest.mark.parametrize(
    ("generator", "settings", "queries"),
    [
        ("shower", {}, 6 * 16),
        ("shower", {"reuse_generator_batch": False}, 2 * 6 * 16),
        ("shower", {"reuse_generator_batch": False, "generator_every": 3}, (6 + 2) * 16),
        ("shower", {"resample_each_step": True}, 2 * 6 * 16),
        ("shower-prior", {"resample_each_step": True}, 2 * 6 * 16),
    ],
)
def test_every_answer_of_the_teacher_is_counted_and_none_asked_twice(
    generator: str, settings: dict[str, object], queries: int
) -> None:
    method = jets(generator, replay_fraction=0.0, **settings)
    asked = 0

    def count(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        nonlocal asked
        asked += len(inputs[0])

    assert method.pair.teacher is not None
    method.pair.teacher.register_forward_pre_hook(count)
    run_until(method, 6)
    assert asked == method.state.counters["teacher_queries"] == queries


def test_the_student_learns_to_agree() -> None:
    method = jets("shower-prior", iterations=12, student_steps=8, student_lr=5e-3, attention_weight=0.0)
    for weight in method.pair.teacher.parameters():  # type: ignore[union-attr]
        last = weight
    last.data.copy_(5 * torch.randn_like(last))  # a teacher with an opinion
    kl = [metrics["kl/pseudo"] for metrics in run_until(method, 12)]
    assert sum(kl[-3:]) < 0.7 * sum(kl[:3])


def test_the_teacher_stays_as_it_was() -> None:
    method = jets()
    assert method.pair.teacher is not None
    before = [p.clone() for p in method.pair.teacher.state_dict().values()]
    run_until(method, 2)
    assert same(before, list(method.pair.teacher.state_dict().values()))


def test_a_loss_that_is_not_finite_names_iteration_and_term_and_changes_nothing() -> None:
    method = jets()
    run_until(method, 1)
    parameters = [*method.pair.student.parameters(), *method.generator.parameters()]
    before = [p.detach().clone() for p in parameters]
    assert method.pair.teacher is not None
    method.pair.teacher.register_forward_hook(lambda _module, _inputs, output: output * float("nan"))
    with pytest.raises(NonFiniteLoss, match="iteration 1: generator's KL is nan"):
        run_until(method, 2)
    assert same(before, [p.detach() for p in parameters])


def test_the_student_sees_what_the_teacher_was_asked_and_each_answer_counts() -> None:
    method = resnets()
    seen: dict[str, list[Tensor]] = {"teacher": [], "student": []}
    for name, network in (("teacher", method.pair.teacher), ("student", method.pair.student)):
        assert network is not None
        network.register_forward_pre_hook(lambda _, inputs, name=name: seen[name].append(inputs[0].clone()))  # type: ignore[misc]
    run_until(method, 4)
    assert method.state.counters["teacher_queries"] == sum(map(len, seen["teacher"])) == 4 * 8 + 8 * 8
    asked = {x.numpy().tobytes() for x in seen["teacher"]}
    assert len(seen["student"]) == 8 and all(x.numpy().tobytes() in asked for x in seen["student"])


def test_what_is_logged_is_of_the_images_that_both_saw() -> None:
    torch.manual_seed(0)
    twins = [cifar_resnet(8, 10).eval() for _ in range(2)]
    twins[1].load_state_dict(twins[0].state_dict())
    setup = Setup(pair=Pair(*twins), generator=ConvGenerator(SMALL_IMAGES))
    method = start("zskt", setup, **RESNETS | {"cutmix": 1.0, "student_lr": 1e-30, "hint_weight": 0.0})
    for logged in run_until(method, 2):
        assert logged["kl/pseudo"] == pytest.approx(0, abs=1e-5) and logged["agreement/pseudo"] == 1
    assert method.state.counters["teacher_queries"] == 2 * 8 + 4 * 8


def test_hints_bring_layers_together() -> None:
    apart = {}
    for weight in (0.0, 3.0):
        method = resnets(hint_weight=weight, iterations=12, student_lr=1e-2)
        run_until(method, 12)
        x = (torch.randn(32, 3, 16, 16, generator=torch.Generator().manual_seed(1)),)
        assert method.pair.teacher is not None
        networks = (method.pair.teacher, method.pair.student)
        t, s = (method.pair.forward(n, x, [Hint()]).extras["activation.1"].detach() for n in networks)
        apart[weight] = float((t - s).square().mean())
    assert apart[3.0] < 0.8 * apart[0.0]


def test_the_generator_pays_for_other_statistics_than_the_teacher_remembers() -> None:
    settings = {"generator_every": 1, "hint_weight": 0.0, "cutmix": 0.0, "iterations": 1}
    (free,) = run_until(resnets(**settings), 1)
    (paid,) = run_until(resnets(**settings, bn_statistics_weight=2.0), 1)
    (more,) = run_until(resnets(**settings, bn_statistics_weight=4.0), 1)
    assert "penalty/generator" not in free and paid["penalty/generator"] > 0
    assert more["penalty/generator"] == pytest.approx(2 * paid["penalty/generator"], rel=1e-5)
    with pytest.raises(UserError, match=r"bn_statistics_weight is 2.0, but the teacher has no batch normalisation"):
        start("zskt", digits_setup(), bn_statistics_weight=2.0)


def test_the_average_is_what_the_run_leaves() -> None:
    settings = {"hint_weight": 0.0, "cutmix": 0.0}
    method = resnets(**settings)
    run_until(method, 2)
    assert method.result is method.pair.student and "average" not in method.state.parts
    method = resnets(**settings, ema_decay=0.5)
    run_until(method, 2)
    assert method.result is not method.pair.student and "average" in method.state.parts  # so that a checkpoint holds it
    latest, average = method.pair.student.state_dict(), method.result.state_dict()
    assert any(not torch.equal(latest[name], average[name]) for name in average)


def test_the_papers_student_learns_from_the_z_of_the_generators_step() -> None:
    setup = digits_setup()
    settings = PAPER.settings.to_dict() | {"batch_size": 8, "student_steps": 2, "iterations": 2}
    seen: list[Tensor] = []
    assert setup.generator is not None
    setup.generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    run_until(start("zskt", setup, **settings), 2)
    assert len(seen) == 4
    assert torch.equal(seen[0], seen[1]) and torch.equal(seen[2], seen[3]) and not torch.equal(seen[0], seen[2])


@pytest.mark.parametrize(
    ("generator", "settings", "queries"),
    [("strokes-prior", {}, 2), ("strokes", {}, 3), ("strokes-prior", {"reuse_generator_batch": False}, 2)],
)
def test_perturbed_images_lie_within_reach_and_every_answer_is_counted(
    generator: str, settings: dict[str, object], queries: int
) -> None:
    setup = digits_setup(generator)
    settings = {"batch_size": 8, "student_steps": 1, "iterations": 1, "perturbation_radius": 2.0, **settings}
    method = start("zskt", setup, **settings)
    assert isinstance(method, ZSKT) and setup.generator is not None
    drawn: list[Tensor] = []
    setup.generator.register_forward_hook(lambda _module, _inputs, batch: drawn.append(batch.x[0].detach()))
    run_until(method, 1)
    assert method.state.counters["teacher_queries"] == queries * 8
    (images,), _ = method.replay.draw(64, torch.Generator().manual_seed(0))
    moved = torch.cdist(images.flatten(1), drawn[-1].flatten(1)).amin(1)
    assert (moved < 2.01).all() and moved.max() > 0.5


class Line(Generator):
    """A learned point on a line, and which half of the line was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(1))
        self.rewards: list[tuple[Tensor, Tensor]] = []

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        return PseudoBatch((z + self.place,), component=(z[:, 0] > 0).long())

    def update(self, component: Tensor, reward: Tensor) -> None:
        self.rewards.append((component, reward))


def test_the_generators_reward_is_the_divergence_and_what_the_settings_add() -> None:
    torch.manual_seed(0)
    pair = Pair(nn.Linear(1, 2).requires_grad_(False), nn.Linear(1, 2))
    rewards = {}
    for name, value in (("temperature", 1.0), ("class_entropy_weight", 2.0), ("confidence_weight", 2.0)):
        generator = Line()
        method = start("zskt", Setup(pair=pair, generator=generator), batch_size=64, student_lr=0.0, **{name: value})
        (logged,) = run_until(method, 1)
        component, reward = generator.rewards[0]
        assert set(component.tolist()) == {0, 1} and not reward.requires_grad and len(generator.rewards) == 1
        rewards[name] = float(reward.mean())
        assert logged["kl/generator"] == pytest.approx(rewards["temperature"], rel=1e-5)
    assert rewards["class_entropy_weight"] > rewards["temperature"] + 0.1  # entropy of the mean belief, twice
    assert rewards["confidence_weight"] < rewards["temperature"] - 0.1  # entropy of each belief, twice
