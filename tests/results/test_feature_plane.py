"""Features of the teacher."""

from __future__ import annotations

import torch
from torch import nn

from zskt.results.feature_plane import features


def test_features_are_what_the_last_linear_layer_takes() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    x = torch.randn(5, 3)
    found, layer = features(network, (x,))
    assert torch.equal(found, network[:2](x)) and layer == "inputs of its last layer"
    assert not network[2]._forward_pre_hooks


def test_a_network_without_one_gives_its_logits() -> None:
    network = nn.Sequential(nn.Conv1d(3, 2, 1), nn.Flatten())
    x = torch.randn(5, 3, 1)
    found, layer = features(network, (x,))
    assert torch.equal(found, network(x)) and layer == "logits"
