"""Hard labels: cross-entropies by hand, one query a sample, a generator that looks at the student alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tests.methods.black_boxes import start
from tests.methods.setups import run_until
from zskt.forward import Output
from zskt.methods import iterate
from zskt.methods.hard_label import HardLabel, negative_entropy, student_cross_entropy
from zskt.teacher_access import one_hot_logits
from zskt.terms import KL


def test_the_students_loss_is_the_cross_entropy_with_the_top_class() -> None:
    student = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]).log()
    target = Output(one_hot_logits(torch.tensor([0, 1]), 3))
    expected = -(math.log(0.7) + math.log(0.1)) / 2
    assert torch.allclose(KL().distance(target, Output(student)), torch.tensor(expected))


def test_the_generators_two_terms() -> None:
    logits = torch.tensor([[0.7, 0.3], [0.1, 0.9]]).log()
    assert torch.allclose(student_cross_entropy(logits, torch.tensor([0, 0])), -torch.tensor([0.7, 0.1]).log())
    assert torch.allclose(negative_entropy(logits), torch.tensor(0.4 * math.log(0.4) + 0.6 * math.log(0.6)) / 2)
    labels = logits.view(1, 2, 2)  # two independent labels of one sample
    assert torch.allclose(
        student_cross_entropy(labels, torch.tensor([[0, 1]])), -torch.tensor([math.log(0.7) + math.log(0.9)])
    )


def test_each_sample_is_asked_about_once_however_long_the_student_learns() -> None:
    method, teacher = start("hard-label", batch_size=8, iterations=4, student_steps=7)
    list(iterate(method))
    assert teacher.asked == 4 * 8 and method.state.counters["steps"] == 4 * 7
    kept = method.replay.draw(20, torch.Generator().manual_seed(0))[1].logits.softmax(1)  # type: ignore[attr-defined]
    assert set(kept.flatten().tolist()) == {0.0, 1.0}


def test_the_generator_looks_at_the_student_and_never_at_the_teacher() -> None:
    ways = {}
    for name, teacher_scale, student_scale in (("as is", 1, 1), ("teacher", 9, 1), ("student", 1, 3)):
        method, teacher = start("hard-label")
        with torch.no_grad():
            for network, scale in ((teacher.network, teacher_scale), (method.pair.student, student_scale)):  # type: ignore[attr-defined]
                for p in network.parameters():
                    p.mul_(scale)
        method.please()  # type: ignore[attr-defined]
        assert teacher.asked == 0
        ways[name] = torch.cat([p.detach().flatten() for p in method.generator.parameters()])  # type: ignore[attr-defined]
    assert torch.equal(ways["as is"], ways["teacher"]) and not torch.equal(ways["as is"], ways["student"])


def test_pleasing_lowers_the_generators_loss_on_the_same_z() -> None:
    method, _ = start("hard-label", batch_size=64, generator_steps=1, generator_lr=1e-2, balance_weight=0.0)
    stream = method.latent_rng.get_state()  # type: ignore[attr-defined]
    labels = method.label_rng.get_state()  # type: ignore[attr-defined]
    losses = []
    for _ in range(10):
        method.latent_rng.set_state(stream)  # type: ignore[attr-defined]
        method.label_rng.set_state(labels)  # type: ignore[attr-defined]
        losses.append(float(method.please()[1]["cross_entropy"]))  # type: ignore[attr-defined]
    assert losses[-1] < losses[0]


def test_targets_are_all_classes_alike() -> None:
    method, _ = start("hard-label", batch_size=9)
    assert isinstance(method, HardLabel)
    assert method.labels(torch.zeros(9, 3)).bincount().tolist() == [3, 3, 3]


def test_the_batch_of_the_lowest_loss_is_asked_about() -> None:
    """As in the published code, not the one behind the last step: of a rate that is too high that is worse."""
    method, teacher = start("hard-label", batch_size=32, generator_steps=4, generator_lr=1.0, balance_weight=0.0)
    assert isinstance(method, HardLabel)
    drawn: list[Tensor] = []
    method.generator.register_forward_hook(lambda _module, _inputs, batch: drawn.append(batch.x[0].detach().clone()))
    labels = method.labels(torch.zeros(32, 3))
    method.labels = lambda _: labels  # type: ignore[method-assign]
    batch, _ = method.please()
    with torch.no_grad():
        losses = [float(student_cross_entropy(method.pair.student(x), labels).mean()) for x in drawn]
    assert len(drawn) == 4 and teacher.asked == 0 and min(losses) < losses[-1]
    assert torch.equal(batch.x[0], drawn[losses.index(min(losses))])


def test_a_generator_that_begins_anew_has_its_first_numbers_and_no_momentum() -> None:
    method, _ = start("hard-label", batch_size=8, generator_life=2, generator_steps=1, generator_lr=0.1)
    assert isinstance(method, HardLabel) and method.generator_optimizer is not None
    begun = [p.detach().flatten().sort().values for p in method.generator.parameters()]

    def moved() -> list[float]:
        now = [p.detach().flatten().sort().values for p in method.generator.parameters()]
        return [float((a - b).abs().max()) for a, b in zip(now, begun, strict=True)]

    run_until(method, 2)
    assert max(moved()) > 0.15
    run_until(method, 3)  # a step of Adam with no momentum goes by the rate
    assert max(moved()) < 0.1 + 1e-3
    assert method.generator_optimizer.param_groups[0]["betas"] == (0.5, 0.999)
