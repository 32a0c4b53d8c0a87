"""Losses against analytic values, and the terms of a student's loss."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from zskt.errors import NonFiniteLoss, UserError
from zskt.forward import Output
from zskt.losses import (
    ascend,
    attention_distance,
    attention_map,
    class_information,
    divergence,
    entropy,
    generator_loss,
    hint_distance,
    own_class_cross_entropy,
    value_distance,
)
from zskt.optim import step
from zskt.terms import KL, TERMS, Attention, CrossEntropy, Similarity, Values, student_loss
from zskt.terms.hint import Hint
from zskt.terms.term import Term


def logits(*rows: tuple[float, ...]) -> Tensor:
    """Logits of known beliefs."""
    return torch.tensor(rows).log()


def test_divergence_of_two_known_distributions_in_nats() -> None:
    t, s = logits((0.5, 0.5), (0.9, 0.1)), logits((0.25, 0.75), (0.9, 0.1))
    expected = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    assert torch.allclose(divergence(t, s), torch.tensor([expected, 0.0]), atol=1e-6)


def test_divergence_is_the_same_whatever_is_added_to_the_logits_and_however_many_examples_there_are() -> None:
    t, s = torch.randn(4, 7), torch.randn(4, 7)
    assert torch.allclose(divergence(t + 3, s - 2), divergence(t, s), atol=1e-5)
    assert torch.allclose(divergence(t.repeat(3, 1), s.repeat(3, 1)).mean(), divergence(t, s).mean(), atol=1e-6)


def test_a_temperature_softens_and_is_squared() -> None:
    t, s = torch.randn(3, 5), torch.randn(3, 5)
    assert torch.allclose(divergence(t, s, 4.0), 16 * divergence(t / 4, s / 4), rtol=1e-5)
    assert not torch.allclose(divergence(t, s, 4.0), divergence(t, s), rtol=1e-2)


def test_the_gradient_of_the_divergence_is_the_difference_of_the_beliefs() -> None:
    t, s = torch.randn(3, 5), torch.randn(3, 5, requires_grad=True)
    (gradient,) = torch.autograd.grad(divergence(t, s).sum(), s)
    assert torch.allclose(gradient, s.softmax(1) - t.softmax(1), atol=1e-6)


def test_attention_map_is_the_mean_square_over_channels_of_unit_length() -> None:
    a = torch.tensor([[[[1.0, 2.0]], [[1.0, 0.0]]]])  # (1, 2, 1, 2)
    assert torch.allclose(attention_map(a), torch.tensor([[1.0, 2.0]]) / math.sqrt(5))
    assert torch.allclose(attention_map(7 * a), attention_map(a))


def test_attention_distance_sums_over_layers_the_mean_square_difference() -> None:
    one, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert attention_distance([one, one], [other, one]).item() == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"attention maps .* do not match"):
        attention_distance([torch.ones(2, 4)], [torch.ones(2, 9)])


def test_hint_distance_is_in_units_of_the_teachers_mean_square_and_sums_over_layers() -> None:
    t, s = torch.full((2, 3, 4, 4), 2.0), torch.full((2, 3, 4, 4), 3.0)
    assert hint_distance([t, t], [s, t]).item() == pytest.approx(0.25)  # (3 - 2)^2 / 2^2, and nothing
    assert hint_distance([10 * t], [10 * s]).item() == pytest.approx(0.25)
    with pytest.raises(ValueError, match=r"layers .* do not match"):
        hint_distance([t], [s[:, :2]])


def test_values_are_compared_in_units_of_their_spread_and_linearly_far_out() -> None:
    teacher = Output(torch.zeros(2, 0), {"values": torch.tensor([[90.0, 0.0], [90.0, 0.0]])})
    student = Output(torch.zeros(2, 0), {"values": torch.tensor([[95.0, 0.0], [120.0, 0.0]])})
    # 5 / 10 is quadratic: 0.125; 30 / 10 is linear: 3 - 1/2; averaged with the second value, which is right.
    assert value_distance(teacher, student, torch.tensor([10.0, 1.0])).tolist() == pytest.approx([0.0625, 1.25])


def test_class_information_has_the_entropy_of_the_mean_belief_as_mean_and_its_gradient() -> None:
    x = torch.randn(32, 5, dtype=torch.double, requires_grad=True)
    mean = x.softmax(1).mean(0)
    entropy_of_mean = -(mean * mean.log()).sum()
    (expected,) = torch.autograd.grad(entropy_of_mean, x)
    information = class_information(x).mean()
    assert information.item() == pytest.approx(entropy_of_mean.item())
    (gradient,) = torch.autograd.grad(information, x)
    assert torch.allclose(gradient, expected, atol=1e-12)
    assert class_information(torch.zeros(3, 4)).mean().item() == pytest.approx(math.log(4))


def test_entropy_of_each_belief_and_mutual_information() -> None:
    entropies = entropy(logits((0.5, 0.5), (0.25, 0.75), (1.0 - 1e-7, 1e-7)))
    expected = [math.log(2), -0.25 * math.log(0.25) - 0.75 * math.log(0.75), 0.0]
    assert entropies.tolist() == pytest.approx(expected, abs=1e-5)
    # Two samples of two classes that are certain: a whole bit of mutual information; two that doubt alike: none.
    for rows, bits in ((((1.0 - 1e-7, 1e-7), (1e-7, 1.0 - 1e-7)), 1.0), (((0.5, 0.5), (0.5, 0.5)), 0.0)):
        mutual = (class_information(logits(*rows)) - entropy(logits(*rows))).mean()
        assert float(mutual) / math.log(2) == pytest.approx(bits, abs=1e-4)


def test_ascent_moves_each_sample_by_its_distance_to_more_disagreement() -> None:
    teacher, student = nn.Linear(4, 3), nn.Linear(4, 3)
    x = torch.randn(8, 4, requires_grad=True)
    distance = torch.linspace(0, 0.3, 8)
    before = divergence(teacher(x), student(x))
    moved = ascend(x, before, distance)
    assert torch.allclose((moved - x).norm(dim=1), distance, atol=1e-6) and not moved.requires_grad
    after = divergence(teacher(moved), student(moved))
    assert (after[1:] > before[1:]).all()
    assert all(p.grad is None for p in student.parameters())


def test_a_generator_step_raises_the_divergence_and_touches_neither_student_nor_teacher() -> None:
    generator, student, teacher = nn.Linear(4, 2), nn.Linear(2, 3), nn.Linear(2, 3)
    teacher.requires_grad_(False)
    before = [p.clone() for p in (*student.parameters(), *teacher.parameters())]
    optimizer, z = torch.optim.SGD(generator.parameters(), lr=0.01), torch.randn(64, 4)
    kls = []
    for _ in range(5):
        x = generator(z)
        kl = divergence(teacher(x), student(x))
        kls.append(kl.mean().item())
        step(generator_loss(kl), optimizer)
    assert kls == sorted(kls) and kls[-1] > kls[0]
    assert all(torch.equal(a, b) for a, b in zip(before, (*student.parameters(), *teacher.parameters()), strict=True))
    assert all(p.grad is None for p in student.parameters())


def test_the_score_function_favours_choices_with_more_divergence() -> None:
    preference = torch.zeros(2, requires_grad=True)
    choice = torch.tensor([0, 0, 1, 1])
    kl = torch.tensor([0.1, 0.2, 1.0, 1.1])
    loss = generator_loss(kl, torch.log_softmax(preference, 0)[choice])
    (gradient,) = torch.autograd.grad(loss, preference)
    # -(kl - mean) * d log p: each of the four contributes 0.45 on average, half of it to its own logit.
    assert torch.allclose(gradient, torch.tensor([0.225, -0.225]), atol=1e-6)


def test_a_generator_pays_its_penalty() -> None:
    assert generator_loss(torch.tensor([1.0, 3.0]), penalty=torch.tensor(0.5)).item() == pytest.approx(-1.5)
    with pytest.raises(NonFiniteLoss, match="generator's penalty is nan"):
        generator_loss(torch.ones(2), penalty=torch.tensor(math.nan))


def maps(*rows: tuple[float, float]) -> dict[str, Tensor]:
    return {"attention.0": torch.tensor(rows, dtype=torch.float)}


def test_student_loss_is_the_divergence_plus_weights_times_distances() -> None:
    layer = {"activation.0": torch.ones(2, 4)}
    t = Output(torch.randn(2, 3), maps((1, 0), (1, 0)) | layer)
    s = Output(torch.randn(2, 3), maps((0, 1), (0, 1)) | {"activation.0": torch.zeros(2, 4)})
    kl = divergence(t.logits, s.logits).mean().item()
    assert student_loss([KL()], t, s).item() == pytest.approx(kl)
    assert student_loss([KL(), Attention(2.5)], t, s).item() == pytest.approx(kl + 2.5)
    assert student_loss([KL(0.5), Attention(2.5), Hint(3.0)], t, s).item() == pytest.approx(0.5 * kl + 2.5 + 3.0)
    with pytest.raises(ValueError, match="at least one term"):
        student_loss([], t, s)


def test_terms_compare_what_they_say() -> None:
    t, s = Output(torch.randn(4, 3)), Output(logits((0.8, 0.2), (0.8, 0.2)))
    assert KL(temperature=4.0).distance(t, Output(t.logits + 1)).item() == pytest.approx(0, abs=1e-5)
    labelled = Output(torch.zeros(2, 0), {"labels": torch.tensor([0, 1])})
    cross_entropy = CrossEntropy().distance(labelled, s).item()
    assert cross_entropy == pytest.approx(-(math.log(0.8) + math.log(0.2)) / 2)
    far = [Output(torch.zeros(1, 0), {"values": torch.tensor([[v]])}) for v in (0.0, 4.0)]
    assert Values(scale=torch.tensor([2.0])).distance(*far).item() == pytest.approx(1.5)


def test_terms_capture_what_they_compare_and_hints_are_too_large_to_keep() -> None:
    layer, output = torch.ones(2, 3, 4, 4), Output(torch.zeros(2, 3))
    network = nn.Identity()
    captured = Attention().capture(network, (layer,), output, [layer, layer[:, :, :2]])
    assert {name: tuple(t.shape) for name, t in captured.items()} == {"attention.0": (2, 16), "attention.1": (2, 8)}
    assert torch.equal(Hint().capture(network, (layer,), output, [layer])["activation.0"], layer)
    assert not KL().capture(network, (layer,), output, [])
    assert KL.cacheable and Attention.cacheable and not Hint.cacheable
    assert {"kl", "attention", "hint", "similarity"} <= set(TERMS) and issubclass(TERMS["hint"], Term)


@pytest.mark.parametrize(
    ("term", "name", "shapes", "message"),
    [
        (
            Attention(),
            "attention.0",
            [(2, 196), (2, 256)],
            r"attention maps have \[196\] positions, .* \[256\]: choose a",
        ),
        (
            Hint(),
            "activation.0",
            [(2, 6, 5), (2, 6, 4)],
            r"hint_weight: the teacher's blocks put out \[\(6, 5\)\], the",
        ),
        (Hint(), "other", [(2, 6), (2, 6)], "hint_weight: teacher or student has no blocks to compare"),
    ],
)
def test_networks_with_nothing_to_compare_are_refused(
    term: Term, name: str, shapes: list[tuple[int, ...]], message: str
) -> None:
    teacher, student = (Output(torch.zeros(2, 1), {name: torch.zeros(shape)}) for shape in shapes)
    with pytest.raises(UserError, match=message):
        term.check(teacher, student)
    if name != "other":
        term.check(teacher, teacher)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_names_its_term(bad: float) -> None:
    with pytest.raises(NonFiniteLoss, match="generator's KL is"):
        generator_loss(torch.tensor([bad, 1.0]))
    with pytest.raises(NonFiniteLoss, match="student's KL is"):
        student_loss([KL()], Output(torch.tensor([[bad, 0.0]])), Output(torch.zeros(1, 2)))
    layers = [Output(torch.zeros(1, 2), {"activation.0": torch.full((1, 2), value)}) for value in (1.0, bad)]
    with pytest.raises(NonFiniteLoss, match="hint distance is"):
        student_loss([KL(), Hint(0.1)], *layers)


def test_similarity_compares_which_samples_are_alike_whatever_the_widths() -> None:
    term, logits = Similarity(1.0), Output(torch.zeros(2, 3))
    alike = term.capture(nn.Identity(), (), logits, [torch.tensor([[1.0, 0.0], [1.0, 0.0]])])
    apart = term.capture(nn.Identity(), (), logits, [torch.tensor([[2.0, 0.0, 0.0], [0.0, 3.0, 0.0]])])
    half = 0.5**0.5
    assert torch.allclose(alike["similarity"], torch.full((2, 2), half))
    assert torch.allclose(apart["similarity"], torch.eye(2))
    expected = (2 * (1 - half) ** 2 + 2 * half**2) / 4
    distance = term.distance(Output(logits.logits, alike), Output(logits.logits, apart))
    assert distance.item() == pytest.approx(expected)
    assert not term.cacheable
    with pytest.raises(UserError, match="names no layers"):
        term.capture(nn.Identity(), (), logits, [])


def pairs(z: Tensor) -> Tensor:
    """Logits of yes and no, of independent labels with logits z."""
    return torch.stack([z, torch.zeros_like(z)], -1)


def bernoulli_kl(t: Tensor, s: Tensor) -> Tensor:
    """KL of Bernoulli distributions of logits t and s, by the formula."""
    p, q = t.sigmoid(), s.sigmoid()
    return p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_divergence_of_labels_is_the_sum_of_those_of_bernoulli_distributions(temperature: float) -> None:
    t, s = torch.randn(2, 6, 4, dtype=torch.double)
    expected = temperature**2 * bernoulli_kl(t / temperature, s / temperature).sum(1)
    assert torch.allclose(divergence(pairs(t), pairs(s), temperature), expected)
    one = divergence(pairs(t[:, :1]), pairs(s[:, :1]), temperature)
    assert torch.equal(one, divergence(pairs(t[:, 0]), pairs(s[:, 0]), temperature))  # a score is two classes


def test_at_high_temperature_the_divergence_of_a_label_is_an_eighth_of_the_squared_difference() -> None:
    t, s = torch.randn(2, 6, 4, dtype=torch.double)
    assert torch.allclose(divergence(pairs(t), pairs(s), 1e3), ((t - s) ** 2 / 8).sum(1), rtol=1e-4)


def test_a_saturated_label_has_a_finite_divergence_and_gradient() -> None:
    t, s = torch.tensor([[90.0], [-90.0], [16.6]]), torch.tensor([[-90.0], [-90.0], [0.0]], requires_grad=True)
    kl = divergence(pairs(t), pairs(s))
    assert kl.tolist() == pytest.approx([90.0, 0.0, math.log(2)], rel=1e-3)  # log 1/q, nothing, log 2
    (gradient,) = torch.autograd.grad(kl.sum(), s)
    assert torch.isfinite(gradient).all()


def test_entropies_of_labels_are_sums_over_the_labels() -> None:
    z = torch.randn(8, 3, dtype=torch.double)
    p = z.sigmoid()
    expected = -(p * p.log() + (1 - p) * (1 - p).log()).sum(1)
    assert torch.allclose(entropy(pairs(z)), expected)
    mean = p.mean(0)
    assert torch.allclose(
        class_information(pairs(z)).mean(), -(mean * mean.log() + (1 - mean) * (1 - mean).log()).sum()
    )


def test_cross_entropy_with_the_own_class_is_minus_the_logarithm_of_the_larger_probability() -> None:
    z = torch.randn(8, 3)
    assert torch.equal(own_class_cross_entropy(z), -torch.log_softmax(z, 1).amax(1))
    p = z.sigmoid()
    assert torch.allclose(own_class_cross_entropy(pairs(z)), -torch.maximum(p, 1 - p).log().sum(1), atol=1e-6)


def test_classes_are_as_before_to_the_bit() -> None:
    t, s = torch.randn(2, 64, 7)
    log_t, log_s = (torch.log_softmax(z / 2.0, dim=1) for z in (t, s))
    assert torch.equal(divergence(t, s, 2.0), (log_t.exp() * (log_t - log_s)).sum(1) * 4.0)
    log_p = torch.log_softmax(t, dim=1)
    assert torch.equal(entropy(t), -(log_p.exp() * log_p).sum(1))
    assert torch.equal(own_class_cross_entropy(t), nn.functional.cross_entropy(t, t.argmax(1), reduction="none"))
