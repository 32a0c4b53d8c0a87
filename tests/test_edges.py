"""Losses and normalisations at the edge: certain teachers, dead layers, students that have it all right."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.gradients import gradients, number
from zskt.bn_statistics import mismatch
from zskt.forward import Output
from zskt.losses import ascend, attention_map, class_information, divergence, entropy, hint_distance, value_distance
from zskt.terms import KL, Attention, Values, student_loss
from zskt.terms.hint import Hint

CERTAIN = torch.tensor([[0.0, -math.inf], [-math.inf, 3.0], [500.0, -500.0]])


def test_certain_teachers_diverge_by_the_log_of_what_the_student_believes() -> None:
    student = number(1.0, 3, 2)
    kl = divergence(CERTAIN, student)
    assert torch.allclose(kl, torch.full((3,), math.log(2)))
    assert torch.allclose(gradients(kl, student)[0], torch.tensor([[-0.5, 0.5], [0.5, -0.5], [-0.5, 0.5]]))
    assert torch.allclose(divergence(CERTAIN, number(1.0, 3, 2), 4.0), torch.full((3,), 16 * math.log(2)))


def test_certain_teachers_are_not_uncertain() -> None:
    teacher = CERTAIN.clone().requires_grad_()
    assert (entropy(teacher) == 0).all()
    assert gradients(entropy(teacher), teacher)[0].abs().max() == 0
    assert gradients(divergence(teacher, torch.ones(3, 2)), teacher)[0].abs().max() == 0
    gradients(class_information(teacher), teacher)
    both = [torch.tensor([[0.0, 900.0], [3.0, -2.0]], dtype=torch.double, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradcheck(divergence, [both[0], both[1].flip(1).detach().requires_grad_()])
    assert torch.autograd.gradcheck(entropy, both[:1])


def test_equal_beliefs_do_not_diverge_and_nothing_is_ascend() -> None:
    x = number(0.0, 2, 2)
    kl = divergence(torch.zeros(2, 2), x)
    assert torch.allclose(kl, torch.zeros(2), atol=1e-6)
    assert torch.equal(ascend(x, kl, torch.ones(2)), x.detach())


def test_a_dead_layer_of_the_teacher_counts_in_its_own_units() -> None:
    student = number(3.0, 2, 4)
    distance = hint_distance([torch.zeros(2, 4)], [student])
    assert float(distance.detach()) == 9
    assert torch.allclose(gradients(distance, student)[0], torch.full((2, 4), 2 * 3 / 8))
    assert float(hint_distance([torch.zeros(2, 4)], [torch.zeros(2, 4)])) == 0


def test_a_layer_that_is_silent_pays_attention_to_nothing() -> None:
    activation = number(0.0, 2, 3, 5)
    assert (attention_map(activation) == 0).all()
    assert gradients(attention_map(activation), activation)[0].abs().max() == 0
    layer = torch.rand(2, 3, 5, dtype=torch.double, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(attention_map, layer)


def test_students_that_have_it_all_right_have_no_gradient() -> None:
    layers = number(0.0, 2, 3, 5)
    extras = {"attention.0": attention_map(layers), "activation.0": layers, "values": number(1.0, 2, 2)}
    student = Output(number(0.0, 2, 3), extras)
    terms = [KL(), Attention(), Hint(), Values(scale=torch.ones(2))]
    loss = student_loss(terms, student.detach(), student)
    assert all(g.abs().max() < 1e-7 for g in gradients(loss, student.logits, extras["values"], layers))
    assert (value_distance(student.detach(), student, torch.ones(2)) == 0).all()


@pytest.mark.parametrize("eps", [0.0, 1e-5])
def test_a_constant_channel_misses_all_of_the_spread(eps: float) -> None:
    layer = nn.BatchNorm1d(2, eps=eps)
    layer.running_mean, layer.running_var = torch.tensor([1.0, 0.0]), torch.tensor([4.0, 1.0])
    x = number(3.0, 8, 2)
    # Shifts of (3 - 1) / 2 and 3 / 1; standard deviations of 0 instead of 2 and 1.
    assert float(mismatch(x, layer).detach()) == pytest.approx((1 + 1 + 9 + 1) / 2, rel=2e-2)
    of_x = gradients(mismatch(x, layer), x)[0]
    assert torch.allclose(of_x, torch.tensor([1 / 2, 3.0]) / 8, rtol=1e-2)  # 2 shift / spread, over 8 rows, 2 channels


def test_slopes_of_moments_are_right_where_all_rows_are_equal() -> None:
    layer = nn.BatchNorm1d(2, eps=1e-2).double()
    assert torch.autograd.gradcheck(
        lambda x: mismatch(x, layer), torch.full((4, 2), 3.0, dtype=torch.double, requires_grad=True)
    )


def test_normalising_what_is_all_equal_gives_its_bias() -> None:
    layer, x = nn.BatchNorm1d(3), number(5.0, 4, 3)
    assert torch.allclose(layer(x), layer.bias.expand(4, 3), atol=1e-4)
    assert gradients(layer(x), x, *layer.parameters())[0].abs().max() < 1e-3
