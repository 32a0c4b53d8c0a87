"""Hard labels: cross-entropies by hand, one query a sample, a generator that looks at the student alone."""

from __future__ import annotations

import math

import torch

from tests.methods.black_boxes import start
from zskt.forward import Output
from zskt.methods import iterate
from zskt.methods.hard_label import negative_entropy, student_cross_entropy
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
    assert torch.allclose(negative_entropy(logits), torch.tensor(0.4 * math.log(0.4) + 0.6 * math.log(0.6)))
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
