"""Random inputs."""

from __future__ import annotations

import torch

from tests.toy_taggers import described
from zskt.jets.preprocess import InputGroup, Variable
from zskt.jets.random_inputs import random_inputs


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
