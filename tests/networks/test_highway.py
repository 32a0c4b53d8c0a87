"""Highway layers with tied gates: the formula, and the form for export."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zskt.jets.object_collections import ObjectCollection
from zskt.networks.highway import Highway
from zskt.networks.particle_flow import ParticleFlow
from zskt.networks.students import count_parameters

from .statistics import randomise


def test_two_layers_of_one_channel_by_hand() -> None:
    network = Highway(1, 2)
    with torch.no_grad():
        for layer, (w, b) in zip(network.layers, ((2.0, -1.0), (0.5, 1.0)), strict=True):
            assert isinstance(layer, nn.Linear)
            layer.weight.fill_(w)
            layer.bias.fill_(b)
        network.transform.weight.fill_(3.0)  # type: ignore[operator, union-attr]
        network.carry.weight.fill_(-2.0)  # type: ignore[operator, union-attr]
    sigma = torch.sigmoid
    h0 = torch.tensor(0.7)
    h1 = sigma(2 * h0 - 1) * sigma(3 * h0) + h0 * sigma(-2 * h0)
    h2 = sigma(0.5 * h1 + 1) * sigma(3 * h1) + h1 * sigma(-2 * h1)
    assert network(h0.view(1, 1)).item() == pytest.approx(h2.item(), abs=1e-6)


def test_gates_are_shared_by_all_layers_and_have_no_bias() -> None:
    assert count_parameters(Highway(5, 3)) == 3 * (25 + 5) + 2 * 25
    assert count_parameters(Highway(5, 4)) - count_parameters(Highway(5, 3)) == 25 + 5


@torch.no_grad()
def test_a_particle_flow_network_with_a_highway_has_the_same_outputs_in_its_form_for_export() -> None:
    cloud = (ObjectCollection((0,), 1, 4, 128, of_jet=False),)
    network = randomise(ParticleFlow(cloud, 3, (6,), (7,), single_cloud=True, highway=3)).eval()
    assert isinstance(network, ParticleFlow)
    mask = (torch.arange(9) < torch.tensor([[9], [4], [1], [0]])).unsqueeze(1)
    x = torch.randn(4, 4, 9), mask
    assert torch.allclose(network.unpacked()(x[0], mask.float()), network(*x), atol=1e-5)
    assert torch.allclose(network(torch.where(mask, x[0], 99.0), mask), network(*x), atol=1e-5)
