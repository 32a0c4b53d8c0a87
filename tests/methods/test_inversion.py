"""What inversion methods share: the loss by hand, whose classes are asked for, the bank, exact resume everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from generators import GENERATORS
from tests.methods.setups import (
    SMALL_IMAGES,
    digits_setup,
    jets_setup,
    require_exact_resume,
    resnets_setup,
    run_until,
    start,
    vectors_setup,
)
from zskt.contracts import PseudoBatch
from zskt.errors import UserError
from zskt.forward import Pair
from zskt.generator import Generator
from zskt.jets.features import KIN
from zskt.methods import METHODS, Setup
from zskt.methods.inversion import Inversion, probe, unfolded
from zskt.methods.method import Method
from zskt.networks.particlenet import ParticleNet

SMALL: dict[str, Any] = {
    "iterations": 6,
    "batch_size": 8,
    "synthesis_size": 8,
    "synthesis_steps": 2,
    "synthesis_warmup": 1,
    "student_steps": 2,
    "student_lr": 1e-3,
    "adversarial_weight": 1.0,
    "bank_size": 64,
}
METHOD_NAMES = ("fast", "deepinversion", "cmi")


def particlenets() -> Setup:
    torch.manual_seed(0)
    return jets_setup(teacher=ParticleNet(len(KIN.features), 10, ((4, (6, 6)), (4, (6, 8))), 8).folded())


SETUPS: dict[str, tuple[Callable[[], Setup], dict[str, Any]]] = {
    "images": (resnets_setup, {}),
    "jets, mlp": (lambda: jets_setup("mlp"), {"bn_weight": 0.0}),
    "jets, shower": (lambda: jets_setup("shower"), {"bn_weight": 0.0, "targets": "own"}),
    "jets, shower, statistics": (particlenets, {}),
    "vectors": (vectors_setup, {}),
}


def begin(name: str, setup: Setup, **settings: Any) -> Inversion:
    method = start(name, setup, **SMALL | settings)
    assert isinstance(method, Inversion)
    return method


def partly_agreeing(samples: Tensor, scale: float = 1.0) -> Setup:
    """Vectors, on some of which teacher and student have the same top class: elsewhere the mask is 0."""
    setup = vectors_setup()
    teacher, student = setup.pair.teacher, setup.pair.student
    assert teacher is not None and isinstance(student, nn.Sequential)
    with torch.no_grad():
        most = teacher(samples).argmax(1).mode().values
        student[2].get_parameter("bias")[most] += 9.0
        for parameter in student.parameters():
            parameter.mul_(scale)
    return setup


class Half(Generator):
    """z -> itself, where its first number is positive."""

    latent_size, acceptance = 2, 0.5

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        accepted = z[:, 0] > 0
        return PseudoBatch((z[accepted] * self.scale,), accepted=accepted)


@pytest.mark.parametrize("domain", SETUPS)
@pytest.mark.parametrize("name", METHOD_NAMES)
def test_a_run_goes_on_as_if_it_had_never_stopped(name: str, domain: str, tmp_path: Path) -> None:
    make, settings = SETUPS[domain]
    require_exact_resume(lambda: begin(name, make(), **settings), tmp_path / "a.pt", (2, 3))


@pytest.mark.parametrize("name", METHOD_NAMES)
def test_the_bank_grows_the_warm_up_takes_no_student_step_and_queries_are_counted(name: str) -> None:
    method = begin(name, vectors_setup(), synthesis_warmup=2, student_steps=3)
    before = [p.clone() for p in method.pair.student.parameters()]
    logged = run_until(method, 2)
    assert [metrics["bank"] for metrics in logged] == [8, 16] and "loss/student" not in logged[-1]
    assert all(torch.equal(a, b) for a, b in zip(before, method.pair.student.parameters(), strict=True))
    logged = run_until(method, 6)
    assert method.state.counters["steps"] == (6 - 2) * 3 and logged[-1]["bank"] == 48
    asked = 2 * (2 if name == "cmi" else 1) + 1  # each step's views, and the batch that is kept
    assert method.state.counters["teacher_queries"] == 6 * 8 * asked


@pytest.mark.parametrize("name", METHOD_NAMES)
def test_a_synthesis_lowers_its_loss(name: str) -> None:
    settings: dict[str, Any] = {"synthesis_lr": 0.1} if name == "deepinversion" else {"generator_lr": 1e-2}
    weights = {"contrastive_weight": 0.0} if name == "cmi" else {}
    lowest = []
    for steps in (1, 40):
        method = begin(name, vectors_setup(), synthesis_steps=steps, **settings, **weights)
        lowest.append(run_until(method, 1)[0]["loss/lowest"])
    assert lowest[1] < 0.95 * lowest[0]


def test_the_loss_is_cross_entropy_statistics_and_masked_adversary() -> None:
    samples = 9 * torch.randn(8, 6, generator=torch.Generator().manual_seed(1))
    method = begin("fast", partly_agreeing(samples), one_hot_weight=0.5, bn_weight=3.0, adversarial_weight=2.0)
    method.state.step = 1  # behind the warm-up
    x, targets = samples.requires_grad_(), torch.arange(8) % 4
    teacher, student = method.pair.teacher, method.pair.student
    assert isinstance(teacher, nn.Sequential)
    norm = teacher[1]
    assert isinstance(norm, nn.BatchNorm1d) and norm.running_mean is not None and norm.running_var is not None
    loss, parts, _ = method.loss(PseudoBatch((x,)), targets)
    h, t, s = teacher[0](x), teacher(x).log_softmax(1), student(x).log_softmax(1)
    bn = (h.mean(0) - norm.running_mean).norm() + (h.var(0, correction=0) - norm.running_var).norm()
    cross_entropy = -t[torch.arange(8), targets].mean()
    agrees = (t.argmax(1) == s.argmax(1)).float()
    assert 0 < agrees.sum() < 8
    kl = ((t.exp() * (t - s)).sum(1) * agrees).mean()
    assert torch.allclose(loss, 0.5 * cross_entropy + 3.0 * bn - 2.0 * kl, rtol=1e-5)
    assert torch.allclose(parts["loss/bn"], bn)
    method.state.step = 0
    assert torch.allclose(method.loss(PseudoBatch((x,)), targets)[0], 0.5 * cross_entropy + 3.0 * bn, rtol=1e-5)


@pytest.mark.parametrize("name", METHOD_NAMES)
@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_the_gradient_of_a_synthesis_depends_on_the_student_if_the_adversary_has_weight(
    name: str, weight: float
) -> None:
    """The published harness hands the teacher in as the student of some methods: their adversary is 0 everywhere."""
    gradients = []
    for scale in (1.0, 4.0):
        setup = partly_agreeing(torch.rand(64, 6), scale)
        method = begin(name, setup, adversarial_weight=weight, bn_weight=0.0, synthesis_warmup=0)
        x = torch.rand(8, 6, generator=torch.Generator().manual_seed(0)).requires_grad_()
        loss, _, _ = method.loss(PseudoBatch((x,), latent=(x,)), torch.arange(8) % 4)
        gradients.append(torch.autograd.grad(loss, x)[0])
    assert torch.equal(*gradients) == (weight == 0) and gradients[0].abs().sum() > 0


def test_samples_keep_the_targets_of_their_rows_where_some_rows_are_rejected() -> None:
    torch.manual_seed(0)
    pair = Pair(nn.Linear(2, 3).requires_grad_(False), nn.Linear(2, 3))
    method = begin("fast", Setup(pair=pair, generator=Half()), bn_weight=0.0, synthesis_size=16, targets="own")
    seen: list[tuple[Tensor, Tensor]] = []

    def improved(inverted: Any) -> None:
        seen.append((inverted.x[0].detach(), inverted.targets))

    method.improved = improved  # type: ignore[method-assign]
    (x,), _ = method.synthesise()
    samples, targets = seen[0]
    assert pair.teacher is not None and torch.equal(pair.teacher(samples).argmax(1), targets)
    assert len(set(targets.tolist())) > 1 and len(x) == len(samples) <= 16


def test_classes_are_drawn_uniformly_unless_the_teachers_own_are_asked_for() -> None:
    method = begin("deepinversion", vectors_setup(), synthesis_size=400)
    method.synthesise()
    assert method.canvas is not None
    counts = method.targets_of(method.canvas).bincount(minlength=4)
    assert counts.sum() == 400 and counts.min() > 60
    own = begin("deepinversion", vectors_setup(), synthesis_size=400, targets="own")
    own.synthesise()
    assert own.canvas is not None and own.pair.teacher is not None
    assert torch.equal(own.targets_of(own.canvas), own.pair.teacher(own.canvas.draw()[0].x[0]).argmax(1))


def test_a_folded_teacher_shows_its_statistics_to_those_who_ask() -> None:
    method = begin("fast", particlenets())
    assert len(method.statistics.layers) == 7  # the input's, two of each block and one of its shortcut
    assert method.observed.teacher is not method.pair.teacher and method.pair.teacher is not None
    assert method.generator is not None
    x = probe(method.generator, method.device)
    assert method.observed.teacher is not None
    assert torch.allclose(method.observed.teacher(*x), method.pair.teacher(*x), atol=1e-4)
    plain = begin("fast", particlenets(), bn_weight=0.0)
    assert plain.observed.teacher is plain.pair.teacher and not plain.statistics.layers
    assert unfolded(nn.Linear(1, 1).eval()) is not None


@pytest.mark.parametrize("name", METHOD_NAMES)
def test_what_cannot_work_is_told(name: str) -> None:
    with pytest.raises(UserError, match="has no batch normalisation; set bn_weight=0"):
        begin(name, digits_setup())
    with pytest.raises(UserError, match="synthesis_warmup is 6"):
        begin(name, resnets_setup(), synthesis_warmup=6)
    setup = vectors_setup()
    assert setup.pair.teacher is not None
    setup.pair.teacher.bernoulli = True  # type: ignore[assignment]
    with pytest.raises(UserError, match="use --method zskt"):
        begin(name, setup)
    if name != "deepinversion":
        with pytest.raises(UserError, match="has no parameters; take another --generator"):
            begin(name, digits_setup("strokes-prior"), bn_weight=0.0)
    assert METHODS[name].__name__.lower() == name


def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zskt.methods.inversion.world", lambda: SimpleNamespace(size=2))
    with pytest.raises(UserError, match="in one process"):
        begin("fast", vectors_setup())


def with_prior() -> Setup:
    return replace(resnets_setup(), prior=GENERATORS["scenes-prior"].build(SMALL_IMAGES))


@pytest.mark.parametrize(("share", "beside"), [(0.5, 8), (0.75, 24), (0.2, 2)])
def test_samples_of_a_prior_join_the_bank_beside_those_that_are_synthesised(share: float, beside: int) -> None:
    logged = run_until(begin("fast", with_prior(), prior_share=share, bank_size=256), 2)
    assert [metrics["bank"] for metrics in logged] == [8 + beside, 2 * (8 + beside)]
    assert run_until(begin("fast", resnets_setup(), prior_share=share), 1)[0]["bank"] == 8


@pytest.mark.parametrize("name", METHOD_NAMES)
def test_a_run_with_a_prior_goes_on_exactly(name: str, tmp_path: Path) -> None:
    settings = {"cutmix": 0.5, "bn_distance": "relative", "augment": "shift-mirror"}
    require_exact_resume(lambda: begin(name, with_prior(), **settings), tmp_path / "checkpoint.pt")


def test_altered_batches_are_asked_about_again() -> None:
    asked = {}
    for share in (0.0, 1.0):
        method = begin("fast", resnets_setup(), augment="none", cutmix=share)
        run_until(method, 3)
        asked[share] = method.state.counters["teacher_queries"]
        assert method.bank.asks_again == bool(share)
    steps = method.state.counters["steps"]
    assert steps > 0 and asked[1.0] - asked[0.0] == steps * method.config.batch_size


@pytest.mark.parametrize("name", METHOD_NAMES)
def test_each_inversion_can_compare_statistics_with_a_memory_of_earlier_syntheses(name: str, tmp_path: Path) -> None:
    def make() -> Method:
        return start(name, resnets_setup(), **SMALL | {"statistics_memory": 0.9})

    method = make()
    assert isinstance(method, Inversion)
    run_until(method, 1)
    first = [mean.clone() for mean, _ in method.statistics.memory]
    run_until(method, 2)
    (latest, _), (mean, _) = method.statistics.latest[0], method.statistics.memory[0]
    assert torch.allclose(mean, 0.9 * first[0] + 0.1 * latest)
    require_exact_resume(make, tmp_path / "c.pt")


def test_a_teacher_whose_file_hides_its_normalisations_is_told_how_to_show_them() -> None:
    setup = resnets_setup()
    assert setup.pair.teacher is not None
    hidden = torch.jit.trace(setup.pair.teacher, torch.zeros(2, 3, 16, 16))  # type: ignore[no-untyped-call]
    with pytest.raises(UserError, match=r"set bn_weight=0, or give its parameters with --architecture"):
        start("deepinversion", replace(setup, pair=replace(setup.pair, teacher=hidden)), **SMALL)
