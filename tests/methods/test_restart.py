"""A generator that begins anew: other parameters, zeros where it began with zeros, torch's stream as it was."""

from __future__ import annotations

import torch
from torch import nn

from zskt.methods.restart import Restart


def test_layers_are_drawn_again_and_zeros_are_zeros_again() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    nn.init.zeros_(network[2].weight)
    nn.init.zeros_(network[2].bias)
    before = network[0].weight.clone()
    restart = Restart(network)
    for parameter in network.parameters():
        parameter.data.add_(1.0)
    torch.manual_seed(3)
    place = torch.get_rng_state()
    restart(torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), place)
    first = network[0].weight.clone()
    assert not torch.equal(first, before) and first.abs().max() < 1
    assert not network[2].weight.any() and not network[2].bias.any() and torch.equal(network[1].weight, torch.ones(4))
    restart(torch.Generator().manual_seed(0))
    assert torch.equal(network[0].weight, first)
