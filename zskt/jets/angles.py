"""Azimuths, whatever library holds them: torch, numpy, awkward."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import torch
from torch import Tensor

Angle = TypeVar("Angle", bound=Any)


def azimuth(px: Tensor, py: Tensor) -> Tensor:
    """Return the azimuth of components across the beam, (...,); without momentum it is 0, and so is its gradient.

    The gradient of PyTorch's atan2 is NaN there in some releases.
    """
    zero = px.square() + py.square() < torch.finfo(px.dtype).tiny
    return torch.where(zero, 0.0, torch.atan2(py, torch.where(zero, 1.0, px)))


def wrap(angle: Angle) -> Angle:
    """Bring angles in radians, of any shape, to [-pi, pi)."""
    wrapped: Angle = (angle + math.pi) % (2 * math.pi) - math.pi
    return wrapped
