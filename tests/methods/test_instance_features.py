"""What a teacher makes of each sample, and the memory of it."""

from __future__ import annotations

import torch
from torch import nn

from tests.methods.setups import jets_setup
from zskt.jets.features import KIN
from zskt.methods.instance_features import FeatureMemory, InstanceFeatures
from zskt.networks.particlenet import ParticleNet
from zskt.networks.resnet import cifar_resnet


def test_features_of_images_are_means_of_what_enters_the_normalisations() -> None:
    network, x = cifar_resnet(8, 10).eval(), torch.randn(4, 3, 16, 16)
    features = InstanceFeatures(network, x[:2].split(2))
    with features.measure() as found:
        logits = network(x)
    first = network.get_submodule("conv1")(x).mean((2, 3))
    assert torch.allclose(features.of(found, logits)[:, : first.shape[1]], first, atol=1e-5)
    assert len(features.of(found, logits)) == 4


def test_without_normalisations_of_samples_it_is_the_blocks_or_the_logits() -> None:
    setup = jets_setup("mlp")
    assert setup.generator is not None
    with torch.no_grad():
        x = setup.generator.sample(3, torch.Generator().manual_seed(0)).x
    network = ParticleNet(len(KIN.features), 10, ((4, (6, 6)), (4, (6, 8))), 8).eval()
    features = InstanceFeatures(network, x)
    with features.measure() as found:
        logits = network(*x)
    assert features.of(found, logits).shape == (3, 6 + 8)
    plain = InstanceFeatures(nn.Linear(2, 3), (torch.randn(4, 2),))
    with plain.measure() as found:
        assert torch.equal(plain.of(found, torch.ones(4, 3)), torch.ones(4, 3))


def test_the_memory_is_a_ring_and_draws_no_sample_twice() -> None:
    memory = FeatureMemory(5, torch.device("cpu"))
    for i in range(3):
        memory.add(torch.full((2, 1), float(i)), torch.full((2, 1), float(-i)))
    assert len(memory) == 5
    local, whole = memory.draw(9, torch.Generator().manual_seed(0))
    assert sorted(local.flatten().tolist()) == [0, 1, 1, 2, 2] and torch.equal(local, -whole)
    other = FeatureMemory(5, torch.device("cpu"))
    other.load_state_dict(memory.state_dict())
    assert torch.equal(other.rows, memory.rows)
