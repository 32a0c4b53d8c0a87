"""DisGUIDE: disagreement and diversity by hand, two students, a generator that asks nothing."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.methods.black_boxes import start
from tests.methods.setups import same
from zskt.errors import UserError
from zskt.methods import METHODS, iterate
from zskt.methods.disguide import disagreement, diversity, twin_of
from zskt.terms import KL, LogitDistance


def test_disagreement_is_the_deviation_averaged_over_classes() -> None:
    p, q = torch.tensor([[0.7, 0.3]]), torch.tensor([[0.2, 0.8]])
    assert torch.allclose(disagreement(p.log(), q.log()), torch.tensor([0.5 / math.sqrt(2)]))
    assert torch.allclose(disagreement(p.log(), p.log() + 3), torch.zeros(1), atol=1e-6)


def test_students_that_are_both_sure_give_a_gradient() -> None:
    """Where both give a class 1e-40, the square of their difference is no number any more: the gradient was NaN."""
    gaps = torch.linspace(5, 110, 400)
    first = torch.stack([torch.zeros(400), -gaps], 1).requires_grad_()
    disagreement(first, first.detach() * torch.tensor([1.0, 1.01])).sum().backward()
    assert first.grad is not None and first.grad.isfinite().all()


def test_diversity_is_the_entropy_of_the_mean_belief() -> None:
    p, q = torch.tensor([[0.7, 0.3], [0.1, 0.9]]), torch.tensor([[0.2, 0.8], [0.2, 0.8]])
    mean = torch.tensor([0.3, 0.7])
    assert torch.allclose(diversity(p.log(), q.log()), -(mean * mean.log()).sum())


def test_the_generator_asks_the_teacher_nothing_and_looks_at_both_students() -> None:
    method, teacher = start("disguide")
    gradients = []
    for scale in (1.0, 2.0):
        with torch.no_grad():
            for p in method.twin.parameters():  # type: ignore[attr-defined]
                p.mul_(scale)
        method.seek()  # type: ignore[attr-defined]
        gradients.append([p.grad.clone() for p in method.generator.parameters() if p.grad is not None])  # type: ignore[attr-defined]
    assert teacher.asked == 0
    assert any(not torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_the_weight_of_diversity_does_what_it_says() -> None:
    gradients = []
    for weight in (0.0, 1.0):
        method, _ = start("disguide", diversity_weight=weight)
        method.seek()  # type: ignore[attr-defined]
        gradients.append([p.grad.clone() for p in method.generator.parameters() if p.grad is not None])  # type: ignore[attr-defined]
    assert any(not torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_the_students_begin_apart_and_only_the_first_one_counts() -> None:
    method, _ = start("disguide", iterations=2, replay_steps=3)
    first, second = method.pair.student, method.twin  # type: ignore[attr-defined]
    assert not torch.equal(next(first.parameters()), next(second.parameters()))
    before = [p.clone() for p in second.parameters()]
    list(iterate(method))
    assert method.result is first and method.state.counters["steps"] == 2 * (1 + 3)
    assert any(not torch.equal(a, b) for a, b in zip(before, second.parameters(), strict=True))


def test_students_evaluate_while_the_generator_learns_and_it_evaluates_for_them() -> None:
    """As in the published code: no statistics move by the other player's step."""
    method, _ = start("disguide", "images", iterations=1)
    modes: list[tuple[str, bool]] = []
    players = {"first": method.pair.student, "second": method.twin, "generator": method.generator}  # type: ignore[attr-defined]
    for name, network in players.items():
        network.register_forward_pre_hook(lambda module, _, name=name: modes.append((name, module.training)))
    before = [b.clone() for n in ("first", "second") for b in players[n].buffers()]
    method.seek()  # type: ignore[attr-defined]
    assert modes == [("generator", True), ("first", False), ("second", False)]
    assert same(before, [b for n in ("first", "second") for b in players[n].buffers()])
    modes.clear()
    list(iterate(method))
    assert modes[3:6] == [("generator", False), ("second", True), ("first", True)]
    assert all(network.training for network in players.values())


def test_what_is_seen_decides_the_students_loss() -> None:
    assert isinstance(start("disguide")[0].terms[0], LogitDistance)
    assert isinstance(start("disguide", access="top-class")[0].terms[0], KL)
    kind = METHODS["disguide"]
    assert kind.queries_per_iteration(kind.Config(batch_size=256)) == 256


def test_a_student_that_cannot_begin_anew_is_refused() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2))

    with pytest.raises(UserError, match="no layer with reset_parameters"):
        twin_of(Own(), 3)
