"""Multilayer perceptrons, and the hidden layers that the other networks are built of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import nn


def hidden_layers(
    widths: Sequence[int],
    activation: Callable[[], nn.Module] = nn.ReLU,
    product: Callable[[int, int], nn.Module] = nn.Linear,
) -> list[nn.Module]:
    """Build products from each width to the next, each with batch normalisation and an activation behind it.

    Args:
        product: builds a layer from the channels that enter and leave it.
    """
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [product(a, b), nn.BatchNorm1d(b), activation()]
    return layers


class MLP(nn.Sequential):
    """A multilayer perceptron with ReLU, without normalisation: features (B, C) -> outputs (B, K + R).

    Args:
        features: C.
        hidden: widths of the hidden layers.
        outputs: K + R.
    """

    attention_layers: tuple[str, ...] = ()

    def __init__(self, features: int, hidden: Sequence[int], outputs: int) -> None:
        layers: list[nn.Module] = []
        for a, b in pairwise((features, *hidden)):
            layers += [nn.Linear(a, b), nn.ReLU()]
        super().__init__(*layers, nn.Linear(hidden[-1], outputs))
