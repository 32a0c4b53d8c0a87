"""Multilayer perceptrons and hidden layers."""

from __future__ import annotations

from torch import nn

from zskt.networks.mlp import MLP, hidden_layers


def test_hidden_layers_are_product_normalisation_activation() -> None:
    layers = hidden_layers([3, 5, 2], nn.GELU)
    assert [type(layer) for layer in layers] == [nn.Linear, nn.BatchNorm1d, nn.GELU] * 2
    assert layers[3].weight.shape == (2, 5)  # type: ignore[union-attr]


def test_an_mlp_ends_with_a_linear_layer() -> None:
    network = MLP(4, (6, 5), 3)
    assert [type(layer) for layer in network] == [nn.Linear, nn.ReLU] * 2 + [nn.Linear]
    assert network[-1].weight.shape == (3, 5)
