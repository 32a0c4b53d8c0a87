"""Deep sets of the leading particles."""

from __future__ import annotations

import torch
from torch import nn

from zskt.jets.object_collections import ObjectCollection
from zskt.networks.deep_sets import N_LEADING, DeepSets

from .statistics import randomise

PARTICLES = ObjectCollection((0,), None, 3, 50, of_jet=False)
VERTICES = ObjectCollection((1,), None, 2, 5, of_jet=False)


def test_it_reads_the_leading_particles_of_the_largest_collection() -> None:
    network = DeepSets((VERTICES, PARTICLES), 4).eval()
    particles, vertices = torch.randn(2, 3, 20), torch.randn(2, 2, 5)
    assert torch.equal(network.leading(particles, vertices), particles[..., :N_LEADING])
    short = network.leading(particles[..., :5], vertices)
    assert short.shape == (2, 3, N_LEADING) and (short[..., 5:] == 0).all()


@torch.no_grad()
def test_folded_it_is_plain_layers_with_the_same_outputs() -> None:
    network, x = randomise(DeepSets((PARTICLES,), 4)).eval(), torch.randn(6, 3, 20)
    assert isinstance(network, DeepSets)
    core = network.folded().core()
    assert torch.allclose(core(network.leading(x)), network(x), atol=1e-5)
    kinds = {type(layer) for layer in core}
    assert kinds == {nn.Conv1d, nn.ReLU, nn.AvgPool1d, nn.Flatten, nn.Linear}
