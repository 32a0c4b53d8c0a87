"""Wide residual networks: published sizes and resolutions."""

from __future__ import annotations

import pytest

from zskt.errors import UserError
from zskt.networks.students import count_parameters
from zskt.networks.wide_resnet import WideResNet

from .attention import map_sizes


@pytest.mark.parametrize(
    ("depth", "width", "parameters"),
    # S. Zagoruyko and N. Komodakis, arXiv:1605.07146, table 1: 0.6 M for 40-1, 2.2 M for 40-2.
    [(16, 1, 175_066), (16, 2, 691_674), (40, 1, 563_930), (40, 2, 2_243_546)],
)
def test_networks_have_the_published_number_of_parameters(depth: int, width: int, parameters: int) -> None:
    assert count_parameters(WideResNet(depth, width, 10)) == parameters


@pytest.mark.parametrize(("depth", "width"), [(16, 1), (40, 2)])
def test_attention_maps_have_the_resolutions_of_the_groups(depth: int, width: int) -> None:
    assert map_sizes(WideResNet(depth, width, 10)) == (1024, 256, 64)


def test_a_depth_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(UserError, match="the depth is 6 n"):
        WideResNet(17, 1, 10)
