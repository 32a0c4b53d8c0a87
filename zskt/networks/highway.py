"""Highway layers with tied gates: deep and thin networks of an entry.

L. Lu, M. Guo and S. Renals, "Knowledge distillation for small-footprint highway networks", arXiv:1608.00892.

Shapes: N entries, C channels, B jets, P slots.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zskt.networks.folding import as_convolutions


class Highway(nn.Module):
    """Apply h_l = sigma(W_l h_(l-1)) * T(h_(l-1)) + h_(l-1) * C(h_(l-1)), for each of its layers.

    sigma is a sigmoid; T = sigma(W_T h) is the transform gate, C = sigma(W_C h) the carry gate. Both are tied: all
    layers share the two matrices W_T and W_C, which have no bias. The W_l have one each.

    Args:
        channels: C, of all layers.
        layers: their number.
    """

    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(channels, channels) for _ in range(layers))
        self.transform: nn.Module = nn.Linear(channels, channels, bias=False)
        self.carry: nn.Module = nn.Linear(channels, channels, bias=False)

    def forward(self, h: Tensor) -> Tensor:
        """Map (N, C) to (N, C); as convolutions (B, C, P) to (B, C, P)."""
        for layer in self.layers:
            h = torch.sigmoid(layer(h)) * torch.sigmoid(self.transform(h)) + h * torch.sigmoid(self.carry(h))
        return h

    def as_convolutions(self) -> nn.Module:
        """Return the same layers as 1 x 1 convolutions of (B, C, P), frozen."""
        form = Highway(1, 0)
        form.layers = nn.ModuleList(as_convolutions(self.layers))
        form.transform, form.carry = as_convolutions([self.transform, self.carry])
        return form
