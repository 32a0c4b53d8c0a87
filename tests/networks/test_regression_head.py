"""Regressed values in the units of the teacher's."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from zskt.gaussian import GaussianHead, WidthForm
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


def test_a_width_is_positive_and_spreads_as_the_teachers_logarithm_does() -> None:
    head = RegressionHead(nn.Identity(), 2, (GaussianHead(0, 1),))
    head.calibrate(torch.tensor([[90.0, 1.0], [100.0, math.e], [110.0, math.e**2]]))
    assert head.centre.tolist() == pytest.approx([100.0, 1.0]) and head.scale.tolist() == pytest.approx([10.0, 1.0])
    assert head(torch.tensor([[1.0, -9.0]]))[0].tolist() == pytest.approx([110.0, math.exp(-8)])
    log = RegressionHead(nn.Identity(), 2, (GaussianHead(0, 1, WidthForm.LOG_VARIANCE),))
    assert log(torch.tensor([[1.0, -9.0]])).tolist() == [[1.0, -9.0]]  # a logarithm may be negative
