"""NAYER: its loss by hand, the mask, the warm-up, what the noisy layer does, and that a run goes on exactly."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from generators import GENERATORS
from zskt.contracts import PseudoBatch
from zskt.errors import UserError
from zskt.jets.features import KIN
from zskt.jets.jets import JETCLASS_CLASSES
from zskt.methods import METHODS, Setup
from zskt.methods.generative import Asked
from zskt.methods.nayer import NAYER
from zskt.methods.restart import restart

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
    "synthesis_warmup": 2,
    "warmup_loops": 1,
    "loops": 1,
    "generator_steps": 2,
    "synthesis_batch_size": 20,
    "batch_size": 16,
    "student_steps": 4,
    "student_lr": 0.02,
    "student_optimizer": "adamw",
    "bank_size": 64,
    "bn_weight": 0.1,
}
SETUPS: dict[str, Callable[[], Setup]] = {
    "images": lambda: resnets_setup(classes=tuple("0123456789")),
    "mlp": lambda: jets_setup("mlp", classes=JETCLASS_CLASSES),
    "shower": lambda: jets_setup("shower", classes=JETCLASS_CLASSES),
    "vectors": lambda: numbers_setup(classes=("cat", "dog", "ship")),
}


def made(setup: Setup, **settings: Any) -> NAYER:
    method = start("nayer", setup, **(SMALL | settings))
    assert isinstance(method, NAYER) and METHODS["nayer"] is NAYER
    return method


def test_the_loss_is_cross_entropy_with_the_asked_classes_and_a_masked_adversary() -> None:
    method = made(numbers_setup(), one_hot_weight=0.5, adversarial_weight=2.0)
    teacher = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]).log()
    student = torch.tensor([[0.25, 0.5, 0.25], [0.25, 0.25, 0.5]]).log()
    student[0] = torch.tensor([0.6, 0.2, 0.2]).log()  # agrees on the first alone
    asked = Asked(PseudoBatch((teacher,)), teacher, student, torch.tensor([1, 1]))
    divergence = 0.5 * math.log(0.5 / 0.6) + 0.5 * math.log(0.25 / 0.2)
    expected = [0.5 * math.log(4) - 2 * divergence, 0.5 * math.log(2)]
    assert method.losses(asked).tolist() == pytest.approx(expected, rel=1e-5)
    plain = method.losses(replace(asked, student=None))
    assert plain.tolist() == pytest.approx([0.5 * math.log(4), 0.5 * math.log(2)], rel=1e-5)


def test_the_generator_depends_on_the_student_where_it_asks_it() -> None:
    gradients: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    for asks, rows in gradients.items():
        for scale in (1.0, 3.0):
            method = made(numbers_setup(scale), text_embeddings="learned", batch_size=64)
            method.generator.adversary.network[-1].weight.data.fill_(0.1)  # type: ignore[union-attr, operator, index]
            rows.append(generator_gradient(method, asks_student=asks))
    assert torch.equal(*gradients[False])
    assert not torch.allclose(*gradients[True], rtol=1e-3)


def test_the_student_learns_after_the_warm_up_alone() -> None:
    method = made(numbers_setup(), warmup_loops=3, loops=2, iterations=4, synthesis_warmup=1)
    logged = run_until(method, 2)
    assert "loss/student" not in logged[0] and "loss/student" in logged[1]
    assert method.state.counters["steps"] == 4
    synthesised = 3 + 2  # batches: each of two steps of the generator, and its best samples once more
    assert method.state.counters["teacher_queries"] == synthesised * 3 * 20
    assert len(method.bank) == 64


@pytest.mark.parametrize("how", ["names", "random", "learned"])
def test_vectors_of_names_random_ones_and_learned_ones_ask_for_classes(how: str) -> None:
    method = made(
        numbers_setup(classes=("cat", "dog", "ship")),
        text_embeddings=how,
        generator_steps=40,
        synthesis_batch_size=60,
        one_hot_weight=3.0,
        bn_weight=0.0,
        generator_lr=2e-2,
    )
    assert (method.vectors is None) == (how == "learned") and method.generator.n_classes == 3 * (how == "learned")
    first = method.synthesise(adversary=False)
    for _ in range(3):
        last = method.synthesise(adversary=False)
    assert float(last["asked/generator"]) > 0.8
    assert float(last["loss/generator"]) < float(first["loss/generator"]) + 1e-6


@pytest.mark.parametrize("name", [name for name in SETUPS if name != "shower"])
def test_vectors_that_are_learned_stay_where_the_generator_begins_anew(name: str) -> None:
    method = made(SETUPS[name](), text_embeddings="learned", generator_life=1, bn_weight=0.0)
    learned = method.generator.get_parameter("class_embedding.weight")
    before = learned.detach().clone()
    run_until(method, 1)
    after = learned.detach().clone()
    restart(method.generator, method.begun, method.rng)
    assert not torch.equal(before, after) and torch.equal(learned, after)
    run_until(method, 3)
    assert method.state.counters["steps"] > 0


def test_each_batch_has_a_noisy_layer_of_its_own() -> None:
    method = made(numbers_setup())
    (labels, first), (_, second) = method._begin(), method._begin()
    assert labels.bincount().max() - labels.bincount().min() <= 1
    assert first is not None and second is not None and not torch.equal(first.weight, second.weight)


def test_the_generator_begins_anew_when_its_life_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    method = made(SETUPS["shower"](), generator_life=2, synthesis_warmup=0, generator_lr=0.1, bn_weight=0.0)
    last = method.generator.get_parameter("adversary.outer.3.weight")
    seen: list[tuple[int, bool, bool]] = []

    def watched(*arguments: Any) -> None:
        restart(*arguments)
        answers = method.generator.state_dict()["classes.answers"]
        seen.append((method.state.step, bool(last.any()), bool(answers.any())))

    monkeypatch.setattr("zskt.methods.nayer.restart", watched)
    run_until(method, 3)
    assert seen == [(0, False, False), (2, False, True)] and last.any()  # what it knows of classes stays


def test_a_generator_lives_its_rounds_whatever_the_warm_up_is(monkeypatch: pytest.MonkeyPatch) -> None:
    method = made(numbers_setup(), generator_life=4, synthesis_warmup=3, iterations=10, student_steps=1)
    seen: list[int] = []
    monkeypatch.setattr("zskt.methods.nayer.restart", lambda *_: seen.append(method.state.step))
    run_until(method, 10)
    assert seen == [0, 4, 8]


def test_a_schedule_that_no_optimiser_would_follow_is_refused() -> None:
    with pytest.raises(UserError, match="unknown generator_schedule 'cosine': choose one of constant"):
        made(numbers_setup(), generator_schedule="cosine")


@pytest.mark.parametrize("name", SETUPS)
def test_the_student_learns_and_a_run_goes_on_exactly(name: str, tmp_path: Path) -> None:
    def make() -> Any:
        return start("nayer", SETUPS[name](), **SMALL)

    logged = run_until(make(), 6)
    assert logged[-1]["loss/student"] < logged[2]["loss/student"]
    require_exact_resume(make, tmp_path / "checkpoint.pt")


def test_the_mix_of_processes_learns_the_classes_and_is_read_back_for_pictures() -> None:
    method = made(SETUPS["shower"]())
    assert method.generator.n_classes == 10
    run_until(method, 2)
    state = method.generator.state_dict()
    assert state["classes.answers"].shape[0] == 10 and float(state["classes.answers"].sum()) > 50
    again = GENERATORS["shower"].build(KIN)
    again.load_state_dict(state)
    assert again.n_classes == 10
    batch = again.sample(8, torch.Generator().manual_seed(0))
    assert batch.labels is not None and len(batch.labels) == 8


def test_a_prior_without_gradient_is_asked_by_class() -> None:
    method = made(jets_setup("shower-prior", classes=JETCLASS_CLASSES), bn_weight=0.0)
    run_until(method, 3)
    assert method.generator.n_classes == 10 and method.state.counters["steps"] == 4
