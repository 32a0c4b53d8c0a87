"""Sizes of the attention maps of image networks."""

from __future__ import annotations

import torch
from torch import nn

from zskt.forward import forward
from zskt.terms import Attention


def map_sizes(network: nn.Module) -> tuple[int, ...]:
    """Return the number of positions of each attention map, for two images of 32 x 32 pixels in three channels."""
    layers: tuple[str, ...] = network.attention_layers  # type: ignore[assignment]
    output = forward(network.eval(), (torch.randn(2, 3, 32, 32),), [Attention()], layers)
    assert output.logits.shape == (2, 10)
    return tuple(a.shape[1] for a in output.numbered("attention"))
