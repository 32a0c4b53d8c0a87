"""The light ParticleNet names the student to take where its own inputs are missing."""

from __future__ import annotations

import pytest

from tests.toy_taggers import described
from zskt.errors import UserError
from zskt.jets.features import KIN
from zskt.jets.tagger_inputs import TaggerInputs
from zskt.networks.light_particlenet import light_particlenet
from zskt.networks.particlenet import ParticleNet


def test_one_cloud_gives_a_particlenet() -> None:
    network = light_particlenet(KIN, 10)
    assert isinstance(network, ParticleNet) and [block.k for block in network.blocks] == [7, 7]


def test_collections_without_points_are_refused() -> None:
    with pytest.raises(UserError, match="choose --student pfn"):
        light_particlenet(TaggerInputs(preprocess=described()), 3)
