"""Who answers where a teacher is several networks."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from zskt.ensemble import Drawn, Ensemble
from zskt.errors import UserError
from zskt.forward import MEMBERS, forward
from zskt.networks.bernoulli_head import BernoulliHead
from zskt.terms import Dirichlet


class Constant(nn.Module):
    """Answers the same logits to everything."""

    def __init__(self, *logits: float, regressions: int = 0) -> None:
        super().__init__()
        self.logits, self.regressions = torch.tensor(logits), regressions

    def forward(self, x: Tensor) -> Tensor:
        return self.logits.expand(len(x), -1)


def test_ensemble_answers_the_mean_of_probabilities_and_of_values() -> None:
    members = [
        Constant(math.log(0.9), math.log(0.1), 4.0, regressions=1),
        Constant(math.log(0.3), math.log(0.7), 8.0, regressions=1),
    ]
    answer = Ensemble(members)(torch.zeros(2, 5))
    assert torch.allclose(answer[:, :2].exp(), torch.tensor([0.6, 0.4]), atol=1e-6)
    assert torch.allclose(answer[:, 2], torch.tensor(6.0))


def test_ensemble_of_labels_answers_the_mean_probability_of_each() -> None:
    members = [BernoulliHead(Constant(2.0, -40.0)), BernoulliHead(Constant(-1.0, 40.0))]
    answer = Ensemble(members)(torch.zeros(1, 5))
    expected = (torch.tensor([2.0, -40.0]).sigmoid() + torch.tensor([-1.0, 40.0]).sigmoid()) / 2
    assert torch.allclose(answer[0].sigmoid(), expected, atol=1e-6)


def test_an_ensemble_is_traced_with_its_sizes_and_counts_all_its_files() -> None:
    ensemble = Ensemble([nn.Linear(5, 3), nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 3))])
    assert ensemble.published == 18 + 42 + 24
    x = torch.randn(4, 5)
    traced = torch.jit.trace(ensemble, (x,))
    assert torch.allclose(traced(x), ensemble(x), atol=1e-6)


def test_members_are_captured_only_for_a_term_that_compares_them() -> None:
    ensemble = Ensemble([Constant(1.0, 0.0), Constant(0.0, 2.0)])
    output = forward(ensemble, (torch.zeros(3, 5),), [Dirichlet()])
    expected = torch.log_softmax(torch.tensor([[1.0, 0.0], [0.0, 2.0]]), 1)
    assert torch.allclose(output.extras[MEMBERS], expected.expand(3, 2, 2))
    assert not forward(ensemble, (torch.zeros(3, 5),)).extras


def test_one_member_is_drawn_for_each_sample_as_often_as_the_others_and_the_stream_decides() -> None:
    ensemble = Ensemble([Constant(0.0), Constant(1.0), Constant(2.0)])

    def answers(seed: int) -> Tensor:
        drawn: Tensor = Drawn(ensemble, "member", torch.Generator().manual_seed(seed))(torch.zeros(3000, 5))
        return drawn[:, 0]

    counts = answers(0).long().bincount()
    assert counts.sum() == 3000 and bool((counts - 1000).abs().max() < 110)  # four standard deviations
    assert torch.equal(answers(0), answers(0)) and not torch.equal(answers(0), answers(1))


def test_drawn_members_answer_their_own_samples() -> None:
    ensemble = Ensemble([nn.Linear(4, 2), nn.Linear(4, 2)])
    x = torch.randn(50, 4)
    answer = Drawn(ensemble, "member", torch.Generator().manual_seed(0))(x)
    by_member = torch.stack([network(x) for network in ensemble.networks])
    assert bool((answer == by_member).all(2).any(0).all())


def test_dropout_draws_a_mask_a_question_from_its_stream_and_leaves_the_teacher_as_it_was() -> None:
    teacher = nn.Sequential(nn.Linear(4, 64), nn.Dropout(0.5), nn.Linear(64, 2)).eval()
    drawn, x = Drawn(teacher, "dropout", torch.Generator().manual_seed(0)), torch.randn(1, 4)
    before = torch.get_rng_state()
    answers = torch.cat([drawn(x) for _ in range(4000)])
    assert torch.equal(torch.get_rng_state(), before) and not any(m.training for m in teacher.modules())
    assert len(answers.unique(dim=0)) > 1000
    assert torch.allclose(answers.mean(0), teacher(x)[0], atol=0.05)  # the layer behind is linear
    again = Drawn(teacher, "dropout", torch.Generator().manual_seed(0))
    assert torch.equal(torch.cat([again(x) for _ in range(3)]), answers[:3])


def test_what_cannot_be_drawn_or_put_together_is_told_in_a_line() -> None:
    rng = torch.Generator()
    with pytest.raises(UserError, match="give several: --teacher-path A B C"):
        Drawn(nn.Linear(2, 2), "member", rng)
    with pytest.raises(UserError, match="no dropout layers"):
        Drawn(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.0)), "dropout", rng)
    with pytest.raises(UserError, match="the networks answer"):
        Ensemble([nn.Linear(4, 2), nn.Linear(4, 3)])(torch.zeros(1, 4))
    with pytest.raises(UserError, match="regress values or answer labels"):
        Ensemble([nn.Linear(4, 2), BernoulliHead(nn.Linear(4, 2))])
