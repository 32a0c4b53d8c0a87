"""Regressed values in the units of the teacher's."""

from __future__ import annotations

import torch
from torch import nn

from zskt.networks.regression_head import RegressionHead


def test_values_have_the_teachers_mean_and_spread_and_logits_stay() -> None:
    head = RegressionHead(nn.Identity(), 1)
    head.calibrate(torch.tensor([[90.0], [100.0], [110.0]]))
    assert head(torch.tensor([[0.5, -0.5, 2.0]])).tolist() == [[0.5, -0.5, 120.0]]


def test_values_that_do_not_spread_divide_by_nothing() -> None:
    head = RegressionHead(nn.Identity(), 2)
    head.calibrate(torch.tensor([[5.0, 1.0], [5.0, 3.0]]))
    assert head.scale[0] == 1e-6 and torch.isfinite(head(torch.ones(1, 2))).all()


def test_attention_layers_are_those_of_the_network_inside() -> None:
    network = nn.Module()
    network.attention_layers = ("map",)  # type: ignore[assignment]
    assert RegressionHead(network, 1).attention_layers == ("network.map",)
