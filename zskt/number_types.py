"""Numbers as those of another type: whole numbers are the nearest ones, within the range of their type."""

from __future__ import annotations

import torch
from torch import Tensor


def as_type(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Return a tensor of any shape as one of another type.

    A pixel that is computed to be 253.99998 is 254: a plain conversion cuts it off, and what is beyond the range of the
    type becomes any number.
    """
    if dtype == torch.bool or dtype.is_floating_point or dtype.is_complex or not x.is_floating_point():
        return x.to(dtype)
    limits = torch.iinfo(dtype)
    whole = x.round()
    return (whole if limits.bits > 32 else whole.double().clamp(limits.min, limits.max)).to(dtype)
