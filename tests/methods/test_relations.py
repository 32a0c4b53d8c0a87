"""The contrast of features, against a softmax by hand, and its window of negatives."""

from __future__ import annotations

import math

import pytest
import torch

from zskt.methods.relations import Relations, pooled, without_extremes


def made(length: float = 1.0, size: int = 8) -> Relations:
    return Relations((2, 2), size, 0.5, length, torch.Generator().manual_seed(0))


def test_it_is_the_cross_entropy_of_the_own_pair_among_pairs() -> None:
    relations, one = made(), torch.tensor([[1.0, 0.0]])
    assert relations(one, one, 0.0).tolist() == [0.0]  # nothing to tell it from
    relations.add(torch.tensor([[0.0, 5.0], [-2.0, 0.0]]))  # cosines 0 and -1 with the sample
    total = math.exp(2) + math.exp(0) + math.exp(-2)
    assert float(relations(one, 3 * one, 0.0)) == pytest.approx(math.log(total) - 2, rel=1e-5)


def test_the_window_moves_from_easy_to_hard_negatives() -> None:
    relations, one = made(length=0.5), torch.tensor([[1.0, 0.0]])
    relations.add(torch.tensor([[0.0, 1.0], [-1.0, 0.0]]))
    easy, hard = (float(relations(one, one, hardness)) for hardness in (0.0, 0.5))
    assert easy == pytest.approx(math.log(math.exp(2) + math.exp(-2)) - 2, rel=1e-4)
    assert hard == pytest.approx(math.log(math.exp(2) + 1) - 2, rel=1e-4)


def test_extremes_are_those_that_sorting_finds() -> None:
    rows = torch.randn(5, 40, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for lowest, highest in ((0, 0), (3, 0), (0, 4), (7, 9), (20, 19)):
        left = without_extremes(rows, lowest, highest)
        assert torch.equal(left.sort(1).values[:, lowest + highest :], rows.sort(1).values[:, lowest : 40 - highest])
        assert int(left.isinf().sum()) == 5 * (lowest + highest)
        (gradient,) = torch.autograd.grad(left.logsumexp(1).sum(), rows)
        assert torch.equal(gradient == 0, left.isinf())


def test_the_queue_keeps_the_latest() -> None:
    relations = made(size=3)
    for angle in range(5):
        relations.add(torch.tensor([[math.cos(angle), math.sin(angle)]]))
    kept = relations.get_buffer("queue")
    assert int(relations.get_buffer("seen")) == 3
    assert torch.allclose(kept[:, 0], torch.tensor([math.cos(a) for a in (4, 3, 2)]))


def test_layers_are_pooled_and_logits_stand_in() -> None:
    logits, layer = torch.ones(2, 3), torch.arange(8.0).view(2, 2, 2)
    assert pooled([], logits) is logits
    assert pooled([logits, layer], logits).tolist() == [[0.5, 2.5], [4.5, 6.5]]


def test_features_of_other_widths_pass_a_fixed_map() -> None:
    relations = Relations((2, 5), 8, 0.5, 1.0, torch.Generator().manual_seed(0))
    relations.add(torch.ones(1, 2))
    assert relations(torch.ones(3, 2), torch.ones(3, 5), 0.0).shape == (3,)
    assert not list(relations.parameters())
