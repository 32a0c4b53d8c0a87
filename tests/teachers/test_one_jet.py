"""Networks that take one jet a call."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from teachers.one_jet import OneJetACall
from tests.teachers.network_files import TRACKS, OfOneJet, group
from zskt.jets.random_inputs import random_inputs

X = random_inputs(TRACKS.groups, 8, seed=2)
LENGTHS = X[1].abs().sum(1).gt(0).sum(1).tolist()


def wrapped(network: nn.Module) -> OneJetACall:
    return OneJetACall(network, [0, 1], ["1C", "PC"], TRACKS.groups)


@torch.no_grad()
def test_answers_are_those_of_unpadded_jets() -> None:
    assert len(set(LENGTHS)) > 3, "jets are of several lengths"
    network = OfOneJet()
    (answer,) = wrapped(network)(*X)
    own = [network(X[0][i].reshape(1, 2), X[1][i, :, :n].T.contiguous()) for i, n in enumerate(LENGTHS)]
    assert answer.shape == (8, 3) and torch.allclose(answer, torch.tensor(own), atol=1e-6)
    padded = torch.tensor([network(X[0][i].reshape(1, 2), X[1][i].T) for i in range(8)])
    assert not torch.allclose(answer, padded, atol=1e-2), "padding would count"


def test_each_entry_has_the_gradient_of_its_own_call_and_padding_has_none() -> None:
    network, x = OfOneJet(), [t.clone().requires_grad_() for t in X]
    (answer,) = wrapped(network)(*x)
    found = torch.autograd.grad(answer[:, 0].sum(), x)
    i, n = 3, LENGTHS[3]
    jet, tracks = X[0][i].reshape(1, 2).requires_grad_(), X[1][i, :, :n].T.clone().requires_grad_()
    expected = torch.autograd.grad(network(jet, tracks)[0], [jet, tracks])
    assert torch.allclose(found[0][i].flatten(), expected[0].flatten(), atol=1e-6)
    assert torch.allclose(found[1][i, :, :n], expected[1].T, atol=1e-6) and bool(expected[1].any())
    assert bool((found[1][i, :, n:] == 0).all())


class Count(nn.Module):
    """The number of entries that it is given, of both inputs."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.tensor([float(first.shape[0]), float(second.shape[0])])


@pytest.mark.parametrize(("least", "expected"), [(1, [2.0, 2.0]), (3, [3.0, 3.0])])
def test_inputs_of_one_collection_are_equally_long_whatever_is_zero_in_them(least: int, expected: list[float]) -> None:
    groups = [group("sv_points", ["a"], 4, least), group("sv_features", ["b", "c"], 4, least)]
    a = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    b = torch.tensor([[[0.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0]]])  # its first entry is zero, and there
    (answer,) = OneJetACall(Count(), [0, 1], ["PC", "PC"], groups)(a, b)
    assert answer.tolist() == [expected]


def test_a_mask_says_what_is_there() -> None:
    groups = [group("sv_features", ["a"], 4), group("sv_mask", ["sv_mask"], 4)]
    features, mask = torch.ones(1, 1, 4), torch.tensor([[[1.0, 1.0, 1.0, 0.0]]])
    (answer,) = OneJetACall(Count(), [0, 1], ["PC", "P"], groups)(features, mask)
    assert answer.tolist() == [[3.0, 3.0]]


def test_padding_is_what_the_description_says() -> None:
    groups = [group("tracks_a", ["a"], 4, pad=-9.0), group("jets", ["c"], 1)]
    a = torch.tensor([[[1.0, 0.0, -9.0, -9.0]], [[-9.0, 2.0, 3.0, 0.0]], [[-9.0] * 4]])
    (answer,) = OneJetACall(Count(), [0, 1], ["PC", "1C"], groups)(a, torch.zeros(3, 1, 1))
    assert answer.tolist() == [[2.0, 1.0], [4.0, 1.0], [1.0, 1.0]]


def test_a_fixed_length_stays_and_outputs_are_chosen() -> None:
    class Ends(nn.Module):
        def forward(self, tracks: Tensor) -> tuple[Tensor, Tensor]:
            return tracks[:, 0], torch.tensor(float(tracks.shape[0]))

    fixed = [group("tracks", ["a", "b"], 4, 4)]
    (answer,) = OneJetACall(Ends(), [0], ["PC"], fixed, [1])(torch.zeros(2, 2, 4))
    assert answer.tolist() == [[4.0], [4.0]]
