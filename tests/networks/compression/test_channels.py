"""Channels that leave a network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zskt.jets.object_collections import ObjectCollection
from zskt.networks.compression.channels import chains_of, channel_scores, remove_channels
from zskt.networks.compression.normalisations import without_normalisations
from zskt.networks.deep_sets import DeepSets
from zskt.networks.folding import Product
from zskt.networks.lenet_vgg import LeNet5
from zskt.networks.mixer import Mixer
from zskt.networks.mlp import MLP
from zskt.networks.particle_flow import ParticleFlow
from zskt.networks.resnet import cifar_resnet

CLOUD = (ObjectCollection((0,), 1, 3, 30, of_jet=False), ObjectCollection((2,), None, 2, 5, of_jet=False))


def shapes(network: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(m.weight.shape[:2]) for m in network.modules() if isinstance(m, Product)]


def jets() -> tuple[torch.Tensor, ...]:
    mask = (torch.arange(20) < torch.tensor([[20], [7]])).unsqueeze(1)
    return torch.randn(2, 3, 20) * mask, mask, torch.randn(2, 2, 5)


@torch.no_grad()
def test_shapes_of_each_kind_of_chain() -> None:
    mlp = MLP(6, (8, 10), 3)
    remove_channels(chains_of(mlp), 0.5)
    assert shapes(mlp) == [(4, 6), (5, 4), (3, 5)] and mlp(torch.randn(2, 6)).shape == (2, 3)
    lenet = LeNet5(10)
    remove_channels(chains_of(lenet), 0.5)
    assert shapes(lenet) == [(3, 1), (8, 3), (60, 8), (42, 60), (10, 42)]
    assert lenet(torch.randn(2, 1, 32, 32)).shape == (2, 10)
    flow = ParticleFlow(CLOUD, 4, (8, 6), (7,), phi_small=(4,))
    without_normalisations(flow)
    remove_channels(chains_of(flow), 0.5)
    assert shapes(flow) == [(4, 3), (3, 4), (2, 2), (4, (2 * 3 + 1) + (2 * 2 + 1)), (4, 4)]
    assert flow(*jets()).shape == (2, 4)
    mixer = Mixer(CLOUD, 4, particles=8, channels=6, blocks=1, hidden_particles=4, hidden_channels=10, f=6)
    without_normalisations(mixer)
    remove_channels(chains_of(mixer), 0.25)
    assert shapes(mixer) == [(6, 3), (1, 8), (8, 1), (2, 6), (6, 2), (2, 6), (4, 2)]
    assert mixer(*jets()).shape == (2, 4)


@torch.no_grad()
@pytest.mark.parametrize("build", [lambda: DeepSets(CLOUD, 4), lambda: ParticleFlow(CLOUD, 4, (8, 6), (8,))])
def test_channels_that_nobody_reads_leave_without_a_trace(build) -> None:  # type: ignore[no-untyped-def]
    network = build().eval()
    without_normalisations(network)
    for seam in chains_of(network):
        half = len(seam.before.weight) // 2
        for offset in seam.offsets:
            seam.after.weight[:, offset : offset + half] = 0
    x = jets()
    expected = network(*x)
    remove_channels(chains_of(network), 0.5)
    assert torch.allclose(network(*x), expected, atol=1e-6)


def test_a_channel_counts_by_both_sides_and_whatever_factor_they_share() -> None:
    network = MLP(2, (2,), 1)
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[3.0, 4.0], [1.0, 0.0]]))
        network[2].weight.copy_(torch.tensor([[0.1, 2.0]]))
    (seam,) = chains_of(network)
    assert channel_scores(seam).tolist() == pytest.approx([0.5, 2.0])
    with torch.no_grad():
        network[0].weight[0] *= 10
        network[2].weight[:, 0] /= 10
    assert channel_scores(seam).tolist() == pytest.approx([0.5, 2.0])


def test_networks_that_are_no_chains_have_none() -> None:
    assert chains_of(cifar_resnet(8, 10, 3)) == []
    assert chains_of(ParticleFlow(CLOUD, 4, (8,), (8,), highway=2)) == []
