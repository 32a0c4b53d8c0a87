"""Curves of runs that differ by their seed: their mean, and a band of ± one standard deviation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

Curve = Sequence[tuple[float, float]]
"""Points (x, y)."""


def mean_curve(curves: Sequence[Curve]) -> list[tuple[float, float, float]]:
    """Return x, mean and standard deviation (0 of a single seed) at the points that all curves have."""
    tables = [dict(curve) for curve in curves]
    common = sorted(set.intersection(*map(set, tables)))
    points = []
    for x in common:
        values = [table[x] for table in tables]
        points.append((x, float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0))
    return points


def draw_band(axes: Axes, curves: Sequence[Curve], label: str, style: dict[str, Any]) -> None:
    """Draw one recipe's curve, its band, and how many seeds it is of."""
    points = mean_curve(curves)
    if not points:
        return
    x, mean, deviation = np.array(points).T
    seeds = "1 seed" if len(curves) == 1 else f"{len(curves)} seeds"
    axes.plot(x, mean, label=f"{label}, {seeds}", linewidth=1.2, **style)
    axes.fill_between(x, mean - deviation, mean + deviation, color=style["color"], alpha=0.2, linewidth=0)
