"""Padding of batches whose last dimension varies, as jets have different numbers of particles."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def padded(t: Tensor, width: int) -> Tensor:
    """Pad the last dimension with zeros."""
    return nn.functional.pad(t, (0, width - t.shape[-1]))


def join(parts: Sequence[Tensor]) -> Tensor:
    """Concatenate tensors along the batch, padded with zeros to the widest of them."""
    if parts[0].dim() == 1:
        return torch.cat(list(parts))
    width = max(t.shape[-1] for t in parts)
    return torch.cat([padded(t, width) for t in parts])


def cat(a: Tensor, b: Tensor) -> Tensor:
    """Concatenate two tensors along the batch, padded with zeros to the wider of both."""
    return join((a, b))
