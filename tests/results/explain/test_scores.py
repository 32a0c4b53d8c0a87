"""How much of a teacher a student explains, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from zskt.results.explain.scores import (
    decision_ordering,
    decision_scores,
    divergence_of_nothing,
    explained,
    mean_decision_ordering,
)


def test_all_there_is_to_explain_is_the_information_in_the_answers() -> None:
    sure = torch.tensor([[40.0, 0.0], [0.0, 40.0]])
    assert divergence_of_nothing(sure) == pytest.approx(math.log(2), abs=1e-6)
    assert divergence_of_nothing(torch.tensor([[1.0, 2.0], [1.0, 2.0]])) == pytest.approx(0, abs=1e-6)


def test_the_teacher_explains_itself_and_its_mean_answer_nothing() -> None:
    teacher = torch.randn(50, 4)
    assert explained(teacher, teacher)["explained"] == pytest.approx(1)
    mean = teacher.double().softmax(1).mean(0).log().expand(50, 4)
    assert explained(teacher, mean)["explained"] == pytest.approx(0, abs=1e-9)
    assert explained(teacher, mean)["ado"] == pytest.approx(0.5)
    assert explained(teacher, teacher)["ado"] == pytest.approx(1)


def test_decision_ordering_counts_pairs_of_signal_and_background() -> None:
    signal = torch.tensor([True, True, False, False])
    teacher = torch.tensor([4.0, 3.0, 2.0, 1.0])
    student = torch.tensor([4.0, 1.5, 2.0, 1.5])  # of four pairs one is turned round, and one tied
    assert decision_ordering(teacher, student, signal) == pytest.approx((2 + 0.5) / 4)
    assert decision_ordering(teacher, student, torch.ones(4).bool()) is None


def test_samples_in_the_order_of_how_right_the_student_is_order_like_those_in_any_order() -> None:
    signal = torch.arange(8000) % 2 == 0
    teacher = signal.float()
    student = torch.where(torch.arange(8000) < 4000, teacher, 1 - teacher)  # half right, half wrong
    assert decision_ordering(teacher, student, signal) == pytest.approx(0.5, abs=0.03)


def test_decision_scores_are_the_odds_of_a_class_against_the_rest() -> None:
    p = torch.tensor([[0.5, 0.3, 0.2]])
    assert torch.allclose(decision_scores(p.log()), (p / (1 - p)).log().double(), atol=1e-6)
    labels = torch.tensor([[[1.5, 0.0], [-2.0, 0.0]]])
    assert decision_scores(labels).tolist() == [[1.5, -2.0]]


def test_a_student_that_turns_all_round_orders_nothing_alike() -> None:
    teacher = torch.randn(40, 2)
    assert mean_decision_ordering(teacher, -teacher) == pytest.approx(0)
