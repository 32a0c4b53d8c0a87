"""Parameters that begin anew: the same numbers in another order, constants as they were."""

from __future__ import annotations

import copy

import torch
from torch import nn

from zskt.methods.restart import first_layer, restart


def test_numbers_are_those_of_the_beginning_in_another_order() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 8), nn.Linear(8, 2))
    nn.init.zeros_(network[2].weight)  # type: ignore[arg-type]
    begun = copy.deepcopy(network.state_dict())
    network(torch.randn(16, 4))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter))
    restart(network, begun, torch.Generator().manual_seed(0))
    state = network.state_dict()
    assert torch.equal(state["1.weight"].flatten().sort().values, begun["1.weight"].flatten().sort().values)
    assert not torch.equal(state["1.weight"], begun["1.weight"])
    for name in ("0.weight", "0.bias", "0.running_mean", "0.running_var", "2.weight"):
        assert torch.equal(state[name], begun[name]), name


def test_what_the_beginning_lacks_stays() -> None:
    network = nn.Linear(4, 8)
    begun = {"weight": torch.arange(32.0)}
    bias = network.bias.detach().clone()
    restart(network, begun, torch.Generator().manual_seed(0))
    assert torch.equal(network.weight.flatten().sort().values, begun["weight"]) and torch.equal(network.bias, bias)


def test_the_first_layer_is_one_with_a_matrix() -> None:
    assert first_layer(nn.Sequential(nn.BatchNorm1d(4), nn.Sequential(nn.Linear(4, 8)), nn.Linear(8, 2))) == "1.0"
    assert first_layer(nn.BatchNorm1d(4)) == ""
