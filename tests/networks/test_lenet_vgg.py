"""LeNet-5 and VGG-11: sizes and resolutions."""

from __future__ import annotations

import pytest
from torch import nn

from zskt.networks.lenet_vgg import VGG11, LeNet5
from zskt.networks.students import count_parameters

from .attention import map_sizes


@pytest.mark.parametrize(
    ("network", "parameters"), [(VGG11(10), 9_231_114), (LeNet5(10), 61_706), (LeNet5(10, share=0.5), 15_738)]
)
def test_networks_have_the_published_number_of_parameters(network: nn.Module, parameters: int) -> None:
    assert count_parameters(network) == parameters


def test_attention_maps_have_the_resolutions_of_the_blocks() -> None:
    assert map_sizes(LeNet5(10, channels=3)) == (196, 25)
    assert map_sizes(VGG11(10)) == (256, 64, 16, 4)
