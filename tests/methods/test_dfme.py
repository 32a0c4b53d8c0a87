"""DFME: its loss by hand, its cost."""

from __future__ import annotations

import torch

from tests.methods.black_boxes import start
from zskt.forward import Output
from zskt.losses import logit_distance, recovered_logits
from zskt.methods import METHODS, iterate
from zskt.terms import LogitDistance


def test_logits_are_recovered_up_to_their_mean() -> None:
    logits = torch.tensor([[1.0, 2.0, 6.0]])
    expected = torch.tensor([[-2.0, -1.0, 3.0]])
    assert torch.allclose(recovered_logits(logits), expected, atol=1e-6)
    assert torch.allclose(recovered_logits(logits.softmax(1).log()), expected, atol=1e-5)


def test_the_loss_is_l1_on_recovered_logits() -> None:
    teacher, student = torch.tensor([[1.0, 2.0, 6.0]]), torch.tensor([[3.0, 0.0, 0.0]])
    # [-2, -1, 3] and [2, -1, -1]: 4 + 0 + 4
    assert torch.allclose(logit_distance(teacher, student), torch.tensor([8.0]), atol=1e-5)
    assert torch.allclose(logit_distance(teacher + 5, student - 9), torch.tensor([8.0]), atol=1e-5)
    assert torch.allclose(LogitDistance().distance(Output(teacher), Output(student)), torch.tensor(8.0), atol=1e-5)
    labels = torch.tensor([[[2.0, 0.0]], [[0.0, 0.0]]])  # of a label (z, 0): half of z each
    assert torch.allclose(logit_distance(labels, torch.zeros(2, 1, 2)), torch.tensor([2.0, 0.0]))


def test_an_iteration_costs_what_the_paper_says() -> None:
    kind = METHODS["dfme"]
    assert kind.queries_per_iteration(kind.Config(batch_size=256)) == 1792
    method, teacher = start("dfme", batch_size=16, directions=3, student_steps=5, iterations=2)
    list(iterate(method))
    assert teacher.asked == 2 * 16 * (1 + 3 + 5) and method.state.counters["steps"] == 10
