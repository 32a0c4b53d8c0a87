"""Zeros in the weights."""

from __future__ import annotations

import torch
from torch import nn

from zskt.networks.compression.magnitude import mask_smallest


def test_the_smallest_weights_are_zero_and_the_others_as_they_were() -> None:
    layer = nn.Linear(5, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.3, -0.1, 0.2, -0.5, 0.05]]))
    mask_smallest(layer, 0.4)
    assert torch.equal(layer.weight, torch.tensor([[0.3, 0.0, 0.2, -0.5, 0.0]]))


def test_zeros_stay_zero_while_the_others_learn() -> None:
    layer = nn.Linear(20, 10)
    mask_smallest(layer, 0.8)
    before = layer.weight.detach().clone()
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        (layer(torch.randn(8, 20)) - 1).square().mean().backward()
        optimizer.step()
    assert int((before == 0).sum()) == 160
    assert torch.equal(layer.weight == 0, before == 0)
    kept = before != 0
    assert (layer.weight[kept] != before[kept]).all()
