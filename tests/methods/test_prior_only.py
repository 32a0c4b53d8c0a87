"""Prior only: what a sample is worth, a mix that follows it, and a generator that is never trained."""

from __future__ import annotations

import torch

from generators import GENERATORS, tabular
from generators.jets.shower import Shower
from tests.methods.black_boxes import start
from zskt.contracts import PseudoBatch
from zskt.forward import Output, Pair
from zskt.jets.features import KIN
from zskt.losses import class_information, divergence
from zskt.methods import METHODS, Setup, iterate
from zskt.networks.regression_head import RegressionHead
from zskt.teacher_access import AnswersOnly


def test_worth_is_how_far_off_the_student_was_and_how_rare_the_class_is() -> None:
    method, teacher = start("prior-only", class_entropy_weight=2.0, temperature=3.0)
    x = torch.rand(8, 4)
    answer = Output(teacher.network(x))
    found = method.worth(PseudoBatch((x,)), answer)  # type: ignore[attr-defined]
    student = method.pair.student(x)  # type: ignore[attr-defined]
    expected = divergence(answer.logits, student, 3.0) + 2.0 * class_information(answer.logits)
    assert torch.allclose(found, expected) and not found.requires_grad


def test_the_generator_stays_and_its_mix_moves() -> None:
    method, _ = start("prior-only", "shower", iterations=3, batch_size=16)
    generator = method.generator  # type: ignore[attr-defined]
    assert isinstance(generator, Shower)
    before = [p.clone() for p in generator.parameters()]
    mix = generator.mix.probabilities()
    list(iterate(method))
    assert all(torch.equal(a, b) for a, b in zip(before, generator.parameters(), strict=True))
    assert method.generator_optimizer is None and not torch.equal(mix, generator.mix.probabilities())  # type: ignore[attr-defined]


def test_components_that_were_worth_more_come_up_more_often() -> None:
    generator = GENERATORS["shower-mix"].build(KIN)
    component = torch.arange(len(generator.mix.prior)).repeat(200)  # type: ignore[union-attr, arg-type]
    before = generator.mix.probabilities()  # type: ignore[union-attr, operator]
    generator.update(component, (component == 2).float())
    after = generator.mix.probabilities()  # type: ignore[union-attr, operator]
    assert after[2] > before[2] and bool((after[torch.arange(len(after)) != 2] < before[0:].max()).all())
    assert list(generator.parameters()) == []


def test_the_mix_has_no_parameters_and_its_jets_are_the_priors_until_something_was_worth_more() -> None:
    prior, mix = (GENERATORS[name].build(KIN) for name in ("shower-prior", "shower-mix"))
    a, b = (g.sample(16, torch.Generator().manual_seed(1)) for g in (prior, mix))
    assert a.component is None and b.component is not None and len(b.component) == 16
    # The prior mixes by weights alone; the other has a floor, which is the same mix.
    assert torch.allclose(prior.mix.probabilities(), mix.mix.probabilities())  # type: ignore[union-attr, operator]
    assert all(torch.equal(s, t) for s, t in zip(a.x, b.x, strict=True))


def test_steps_grow_and_new_answers_are_mixed_with_kept_ones() -> None:
    method, teacher = start("prior-only", iterations=10, student_steps=4, batch_size=10, replay_fraction=0.8)
    list(iterate(method))
    assert teacher.asked == 100 and method.state.counters["steps"] == 40
    x, answer = method.with_replay((torch.full((10, 4), 7.0),), Output(torch.zeros(10, 3)))  # type: ignore[attr-defined]
    assert len(x[0]) == 10 and int((x[0] == 7.0).all(1).sum()) == 2 and len(answer.logits) == 10


def test_regressed_values_are_learned_too() -> None:
    torch.manual_seed(0)
    teacher, student = (RegressionHead(torch.nn.Linear(4, 5), 2) for _ in range(2))
    student.calibrate(torch.randn(50, 2))
    seen = AnswersOnly(teacher.requires_grad_(False).eval(), "probabilities")
    pair, kind = Pair(seen, student, student.scale), METHODS["prior-only"]
    method = kind(kind.Config(iterations=3, batch_size=8), Setup(pair=pair, generator=tabular(-1.0, 1.0, size=4)))
    assert len(list(iterate(method))) == 3
    assert [term.name for term in method.terms] == ["student's KL", "distance of values"]
