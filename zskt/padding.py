"""Padding of batches whose last dimension varies, as jets have different numbers of particles."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def padded(t: Tensor, width: int) -> Tensor:
    """Pad the last dimension with zeros."""
    return nn.functional.pad(t, (0, width - t.shape[-1]))


def cat(a: Tensor, b: Tensor) -> Tensor:
    """Concatenate along the batch, padded with zeros to the wider of both."""
    if a.dim() == 1:
        return torch.cat([a, b])
    width = max(a.shape[-1], b.shape[-1])
    return torch.cat([padded(t, width) for t in (a, b)])
