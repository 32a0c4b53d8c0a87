"""Numbers as those of another type: whole numbers are the nearest ones, within the range of their type.

Arrays of NumPy become tensors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
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


def as_tensor(part: Any) -> Any:
    """Return an array of NumPy's numbers as a tensor, floating-point ones in 32 bits, and anything else as it is."""
    if not isinstance(part, np.ndarray) or part.dtype.kind not in "fiub":
        return part
    tensor = torch.from_numpy(np.ascontiguousarray(part).reshape(part.shape))
    return tensor.float() if tensor.is_floating_point() else tensor


def instead_of(part: Any, *, are_labels: bool = False) -> str:
    """Say what to give instead of something that is no tensor: tables and words have numbers behind them; else "".

    Args:
        are_labels: whether it stands where labels do.
    """
    if hasattr(part, "to_numpy"):
        return "give its numbers, as .to_numpy()"
    if not isinstance(part, np.ndarray):
        return ""
    if are_labels:
        return "give whole numbers, as numpy.unique(labels, return_inverse=True)[1]"
    return "give numbers, as .astype(float)" if part.dtype.kind == "O" else "give numbers"
