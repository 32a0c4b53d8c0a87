"""Multilayer perceptrons, and the hidden layers that the other networks are built of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn


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


class Standardise(nn.Module):
    """Takes features (B, C) to a mean of 0 and a spread of 1 by what is known of them; a spread of 0 divides nothing.

    A state of before there was such a layer leaves features as they are, as the network of that state does.
    """

    replayable = True
    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor([s or 1.0 for s in std]))

    def forward(self, x: Tensor) -> Tensor:
        """Return (x - mean) / std."""
        return (x - self.mean) / self.std

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        state.setdefault(f"{prefix}mean", torch.zeros_like(self.mean))
        state.setdefault(f"{prefix}std", torch.ones_like(self.std))
        super()._load_from_state_dict(state, prefix, *rest)


class MLP(nn.Sequential):
    """A multilayer perceptron with ReLU, without normalisation: features (B, C) -> outputs (B, K + R).

    Args:
        features: C.
        hidden: widths of the hidden layers.
        outputs: K + R.
        mean, std: of the features, which it standardises by them, C numbers each. By default, and where all are 0 and
            1, it takes features as they are.
    """

    attention_layers: tuple[str, ...] = ()

    def __init__(
        self,
        features: int,
        hidden: Sequence[int],
        outputs: int,
        mean: Sequence[float] = (),
        std: Sequence[float] = (),
    ) -> None:
        layers: list[nn.Module] = []
        for a, b in pairwise((features, *hidden)):
            layers += [nn.Linear(a, b), nn.ReLU()]
        named = OrderedDict((str(i), layer) for i, layer in enumerate((*layers, nn.Linear(hidden[-1], outputs))))
        if any(mean) or any(s != 1 for s in std):  # under a name of its own: the others keep theirs in saved states
            named["standardise"] = Standardise(mean, std)
            named.move_to_end("standardise", last=False)
        super().__init__(named)
