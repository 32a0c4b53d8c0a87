"""What a network costs."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from zskt.networks.compression import Compression, compressed
from zskt.networks.compression.operations import bit_operations, count_operations, enclosed_bits, weight_formats
from zskt.networks.lenet_vgg import LeNet5
from zskt.networks.mlp import MLP


def test_products_of_a_perceptron_and_of_convolutions() -> None:
    assert count_operations(MLP(5, (8,), 3), (torch.zeros(1, 5),)).macs == 5 * 8 + 8 * 3
    lenet = 28 * 28 * 6 * 25 + 10 * 10 * 16 * 6 * 25 + 120 * 16 * 25 + 120 * 84 + 84 * 10
    assert count_operations(LeNet5(10), (torch.zeros(1, 1, 32, 32),)).macs == lenet


def test_they_are_those_that_pytorch_counts() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    network, x = LeNet5(10), torch.zeros(1, 1, 32, 32)
    with FlopCounterMode(display=False) as counter:
        network(x)
    assert counter.get_total_flops() == 2 * count_operations(network, (x,)).macs


def test_bit_operations_by_hand() -> None:
    layer = nn.Linear(8, 3)
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.weight[0] = 0  # a third
    assert bit_operations(layer, 32) == pytest.approx(24 * (2 / 3 * 32 * 32 + 32 + 32 + math.log2(8)))


def test_bits_from_the_first_to_the_last_that_is_set() -> None:
    whole = torch.tensor([0.0, 1.0, -1.0, 2.0, 3.0, 12.0, -5.0, 7.0, 64.0])
    assert enclosed_bits(whole).tolist() == [0, 1, 1, 1, 2, 2, 3, 3, 1]


@torch.no_grad()
def test_effective_bit_operations_are_those_of_the_rounded_weights() -> None:
    small = compressed(MLP(2, (2,), 1), Compression(bits=4))
    expected = 0
    for (product, bits), fmt in zip(((small[0][1], 16), (small[2][1], 4)), weight_formats(small), strict=True):  # type: ignore[index]
        expected += bits * int(enclosed_bits(product.weight / fmt.grid[2]).sum())
    assert count_operations(small, (torch.zeros(1, 2),)).effective_bit_operations == expected > 0
    assert count_operations(MLP(2, (2,), 1), (torch.zeros(1, 2),)).effective_bit_operations is None
