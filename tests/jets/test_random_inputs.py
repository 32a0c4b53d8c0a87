"""Random inputs, and how far two networks are apart."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.toy_taggers import described
from zskt.jets.preprocess import InputGroup, Variable
from zskt.jets.random_inputs import random_inputs
from zskt.outputs import describe_differences, largest_differences, raw_outputs


def test_inputs_lie_in_their_bounds_and_share_their_mask() -> None:
    groups = described().groups
    features, mask, vertices, vertex_mask = random_inputs(groups, 200)
    assert features.shape == (200, 5, 30) and vertices.shape == (200, 2, 4)
    assert features.abs().max() <= 5
    assert ((features != 0).any(1) == (mask[:, 0] > 0)).all()
    assert mask[:, 0].sum(1).min() >= 4 and vertex_mask[:, 0].sum(1).min() >= 1
    again = random_inputs(groups, 200)
    assert torch.equal(features, again[0]) and not torch.equal(features, random_inputs(groups, 200, seed=1)[0])


def test_numbers_of_the_jet_may_be_flat_and_energies_are_large() -> None:
    group = InputGroup("jet_features", (Variable("jet_energy"), Variable("jet_eta")), flat=True)
    (x,) = random_inputs([group], 50)
    assert x.shape == (50, 2) and x[:, 0].min() >= 10 and x[:, 1].min() < 0


class Several(nn.Module):
    """Two outputs, in a dictionary."""

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"classes": x, "mass": 2 * x[:, 0]}


def test_outputs_are_put_side_by_side() -> None:
    x = (torch.tensor([[1.0, 3.0], [2.0, 5.0]]),)
    assert raw_outputs(Several(), x).tolist() == [[1.0, 3.0, 2.0], [2.0, 5.0, 4.0]]


def test_differences_are_in_units_of_an_outputs_size() -> None:
    x = (torch.tensor([[1.0, 3.0], [2.0, 5.0]]),)
    expected = torch.tensor([[1.0, 3.0, 2.0], [2.0, 5.0, 5.0]])
    assert largest_differences(Several(), x, expected).tolist() == pytest.approx([0.0, 0.2])
    assert describe_differences(Several(), x, expected, "it") == "1 of 2 random jets differ from it by more than 0.0001"
