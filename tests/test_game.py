"""The game against analytic values, with tiny networks."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from zskt.forward import Output, ask, attention_map, watch
from zskt.losses import (
    NonFiniteLoss,
    ascend,
    attention_distance,
    class_information,
    divergence,
    entropy,
    generator_loss,
    hint_distance,
    step,
    student_loss,
)


def logits(*rows: tuple[float, ...]) -> Tensor:
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
    divergence(t, s).sum().backward()
    assert torch.allclose(s.grad, s.softmax(1) - t.softmax(1), atol=1e-6)  # type: ignore[arg-type]


def test_attention_map_is_the_mean_square_over_channels_of_unit_length() -> None:
    a = torch.tensor([[[[1.0, 2.0]], [[1.0, 0.0]]]])  # (1, 2, 1, 2)
    assert torch.allclose(attention_map(a), torch.tensor([[1.0, 2.0]]) / math.sqrt(5))
    assert torch.allclose(attention_map(7 * a), attention_map(a))


def test_attention_distance_sums_over_layers_the_mean_square_difference() -> None:
    one, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert attention_distance([one, one], [other, one]).item() == pytest.approx(1.0)


def test_attention_between_different_resolutions_is_refused() -> None:
    with pytest.raises(ValueError, match="do not match"):
        attention_distance([torch.ones(2, 4)], [torch.ones(2, 9)])


def test_hint_distance_is_in_units_of_the_teachers_mean_square_and_sums_over_layers() -> None:
    t, s = torch.full((2, 3, 4, 4), 2.0), torch.full((2, 3, 4, 4), 3.0)
    assert hint_distance([t, t], [s, t]).item() == pytest.approx(0.25)  # (3 - 2)^2 / 2^2, and nothing
    assert hint_distance([10 * t], [10 * s]).item() == pytest.approx(0.25)
    with pytest.raises(ValueError, match="do not match"):
        hint_distance([t], [s[:, :2]])


def test_student_loss_has_a_hint_only_where_it_is_asked_for() -> None:
    t = Output(torch.randn(2, 3), activations=(torch.ones(2, 4),))
    s = Output(torch.randn(2, 3), activations=(torch.zeros(2, 4),))
    kl = divergence(t.logits, s.logits).mean().item()
    assert student_loss(t, s, hint=2.5).item() == pytest.approx(kl + 2.5)
    assert student_loss(t, s._replace(activations=())).item() == pytest.approx(kl)


def test_an_answer_has_whole_layers_if_asked_for_and_keeps_rows_of_all_its_parts() -> None:
    network, x = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(32, 3)), torch.randn(5, 1, 4, 4)
    assert ask(network, (x,), ["0"]).activations == ()
    answer = ask(network, (x,), ["0"], whole=True)
    assert torch.equal(answer.activations[0], network[0](x)) and answer.activations[0].requires_grad
    some = answer.detach().at(torch.tensor([3, 1]))
    assert torch.equal(some.activations[0], network[0](x)[[3, 1]]) and not some.activations[0].requires_grad
    assert torch.equal(some.logits, answer.logits[[3, 1]]) and torch.equal(
        some.attention[0], answer.attention[0][[3, 1]]
    )


def test_beta_zero_does_not_compute_the_attention_term() -> None:
    t = Output(torch.randn(2, 3), (torch.ones(2, 4),))
    s = Output(torch.randn(2, 3), (torch.ones(2, 9),))
    assert torch.isfinite(student_loss(t, s, beta=0.0))
    with pytest.raises(ValueError, match="do not match"):
        student_loss(t, s, beta=1.0)


def test_student_loss_is_the_divergence_plus_beta_times_the_attention_distance() -> None:
    t = Output(torch.randn(2, 3), (torch.tensor([[1.0, 0.0], [1.0, 0.0]]),))
    s = Output(torch.randn(2, 3), (torch.tensor([[0.0, 1.0], [0.0, 1.0]]),))
    kl = divergence(t.logits, s.logits).mean()
    assert student_loss(t, s, beta=2.5).item() == pytest.approx(kl.item() + 2.5)


def test_watching_collects_named_outputs_and_leaves_no_hook() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    x = torch.randn(5, 2)
    with watch(network, ["1"]) as seen:
        network(x)
    assert torch.equal(seen[0], network[1](network[0](x)))
    network(x)
    assert len(seen) == 1
    assert [
        len(a.shape) for a in ask(nn.Sequential(nn.Conv2d(1, 2, 1)), (torch.randn(3, 1, 4, 4),), ["0"]).attention
    ] == [2]


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
    generator_loss(kl, torch.log_softmax(preference, 0)[choice]).backward()
    # -(kl - mean) * d log p: each of the four contributes 0.45 on average, half of it to its own logit.
    assert torch.allclose(preference.grad, torch.tensor([0.225, -0.225]), atol=1e-6)  # type: ignore[arg-type]


def test_surprise_has_the_entropy_of_the_mean_belief_as_mean_and_its_gradient() -> None:
    logits = torch.randn(32, 5, dtype=torch.double, requires_grad=True)
    mean = logits.softmax(1).mean(0)
    entropy = -(mean * mean.log()).sum()
    (expected,) = torch.autograd.grad(entropy, logits)
    found = class_information(logits).mean()
    assert found.item() == pytest.approx(entropy.item())
    (gradient,) = torch.autograd.grad(found, logits)
    assert torch.allclose(gradient, expected, atol=1e-12)
    assert class_information(torch.zeros(3, 4)).mean().item() == pytest.approx(math.log(4))


def test_clipping_bounds_the_norm_of_the_step() -> None:
    weight = nn.Parameter(torch.zeros(3))
    step((1000 * weight).sum(), torch.optim.SGD([weight], lr=1.0), clip=5.0)
    assert weight.norm().item() == pytest.approx(5.0, rel=1e-4)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_before_the_step_and_names_the_term(bad: float) -> None:
    with pytest.raises(NonFiniteLoss, match="generator's KL is"):
        generator_loss(torch.tensor([bad, 1.0]))
    with pytest.raises(NonFiniteLoss, match="student's KL is"):
        student_loss(Output(torch.tensor([[bad, 0.0]])), Output(torch.zeros(1, 2)))


def test_uncertainty_is_the_entropy_of_each_belief() -> None:
    found = entropy(logits((0.5, 0.5), (0.25, 0.75), (1.0 - 1e-7, 1e-7)))
    expected = [math.log(2), -0.25 * math.log(0.25) - 0.75 * math.log(0.75), 0.0]
    assert found.tolist() == pytest.approx(expected, abs=1e-5)
    # Two samples of two classes that are certain: a whole bit of mutual information; two that doubt alike: none.
    for batch_metrics, bits in ((((1.0 - 1e-7, 1e-7), (1e-7, 1.0 - 1e-7)), 1.0), (((0.5, 0.5), (0.5, 0.5)), 0.0)):
        said = logits(*batch_metrics)
        mutual = (class_information(said) - entropy(said)).mean()
        assert float(mutual) / math.log(2) == pytest.approx(bits, abs=1e-4)


def test_uphill_moves_each_sample_by_its_distance_to_more_disagreement() -> None:
    teacher, student = nn.Linear(4, 3), nn.Linear(4, 3)
    x = torch.randn(8, 4, requires_grad=True)
    distance = torch.linspace(0, 0.3, 8)
    before = divergence(teacher(x), student(x))
    moved = ascend(x, before, distance)
    assert torch.allclose((moved - x).norm(dim=1), distance, atol=1e-6) and not moved.requires_grad
    after = divergence(teacher(moved), student(moved))
    assert (after[1:] > before[1:]).all()
    assert all(p.grad is None for p in student.parameters())
