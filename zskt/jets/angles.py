"""Azimuths, whatever library holds them: torch, numpy, awkward."""

from __future__ import annotations

import math
from typing import Any, TypeVar

Angle = TypeVar("Angle", bound=Any)


def wrap(angle: Angle) -> Angle:
    """Bring angles in radians, of any shape, to [-pi, pi)."""
    wrapped: Angle = (angle + math.pi) % (2 * math.pi) - math.pi
    return wrapped
