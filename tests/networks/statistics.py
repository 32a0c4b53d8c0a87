"""Normalisations that have seen something, so that folding them matters."""

from __future__ import annotations

from torch import nn


def randomise(network: nn.Module) -> nn.Module:
    """Draw statistics and parameters of all normalisations, in place."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_()  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
            module.weight.data.uniform_(0.5, 2)
            module.bias.data.normal_()
    return network
