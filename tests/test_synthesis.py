"""Terms that pseudo-samples go down, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from zskt.errors import UserError
from zskt.forward import Pair
from zskt.synthesis import adversarial, agreement_of_beliefs, require_one_choice, target_cross_entropy, total_variation

T = torch.tensor([[math.log(3.0), 0.0], [0.0, math.log(3.0)]])  # beliefs (3/4, 1/4) and (1/4, 3/4)
S = torch.tensor([[0.0, 0.0], [math.log(3.0), 0.0]])  # (1/2, 1/2) and (3/4, 1/4)
KL = [0.75 * math.log(1.5) + 0.25 * math.log(0.5), 0.5 * math.log(3)]


def test_cross_entropy_is_with_the_targets() -> None:
    loss = target_cross_entropy(T, torch.tensor([0, 0]))
    assert loss.tolist() == pytest.approx([math.log(4 / 3), math.log(4)])


def test_the_adversary_is_minus_kl_and_masked_where_top_classes_differ() -> None:
    assert adversarial(T, S).tolist() == pytest.approx([-KL[0], -KL[1]])
    assert adversarial(T, S, masked=True).tolist() == pytest.approx([-KL[0], 0.0])
    assert adversarial(2 * T, 2 * S, 2.0).tolist() == pytest.approx([-4 * KL[0], -4 * KL[1]])  # T^2 KL of softened


def test_jensen_shannon_is_one_for_equal_beliefs_and_zero_for_opposite_ones() -> None:
    sure = torch.tensor([[200.0, -200.0]])
    assert agreement_of_beliefs(T, T).tolist() == pytest.approx([1.0, 1.0], abs=1e-6)
    assert agreement_of_beliefs(sure, -sure).item() == pytest.approx(0.0, abs=1e-6)
    # (1/4, 3/4) and (3/4, 1/4) have the mean (1/2, 1/2): JS = 1/4 log 1/2 + 3/4 log 3/2
    js = 0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    assert agreement_of_beliefs(T, S)[1].item() == pytest.approx(1 - js / math.log(2), abs=1e-6)
    assert agreement_of_beliefs(2 * T, 2 * S, 2.0)[1].item() == pytest.approx(1 - js / math.log(2), abs=1e-6)


def test_total_variation_takes_four_directions() -> None:
    x = torch.tensor([[[[0.0, 1.0], [3.0, 7.0]]]])
    rows, columns = math.hypot(1, 4), math.hypot(3, 6)
    assert total_variation(x).item() == pytest.approx(rows + columns + 7 + 2)


def test_labels_and_values_are_refused_in_a_line() -> None:
    teacher = torch.nn.Linear(2, 2)
    require_one_choice(Pair(teacher, teacher), "cmi")
    with pytest.raises(UserError, match=r"^cmi: knows classes alone"):
        require_one_choice(Pair(teacher, teacher, regression_scale=torch.ones(1)), "cmi")
    teacher.bernoulli = True
    with pytest.raises(UserError, match=r"^cmi: asks for one class"):
        require_one_choice(Pair(teacher, teacher), "cmi")
