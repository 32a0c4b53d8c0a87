"""Pictures of a comparison: figures on the test samples against what they cost."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, StrMethodFormatter

from zskt.plots.palette import series_style
from zskt.plots.plot import FONT_SIZE, Panel, Plot, legend_below, panel_axes
from zskt.results.compare.group import COSTS, Group

NAMES = {"agreement": "agreement with the teacher", "accuracy": "accuracy", "auc": "AUC", "kl": "KL (nats)"}
DRAWN = ("agreement", "accuracy", "kl")
"""Figures that have curves; the others are in the table."""
WIDE = 8.0
"""Ratio of the largest value of an axis to the smallest above which it is logarithmic."""
NEAR_ONE = 0.9
"""Share above which an axis of shares is logit."""
SHARES = np.array([0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.998, 0.999, 0.9999])
"""Where such an axis has its numbers."""


def style_of(group: Group, groups: Sequence[Group]) -> dict[str, Any]:
    """Return colour and dashes of an entrant: grey for those that learned from data."""
    if group.is_reference:
        return {"color": "0.45", "linestyle": "--"}
    place = [other.label for other in groups if not other.is_reference].index(group.label)
    return series_style(place)


def curve_plots(groups: Sequence[Group], figures: Sequence[str], teacher: dict[str, float | None]) -> list[Plot]:
    """Draw the same as `curves_picture` for a page: a plot for each figure, a panel for each cost."""
    plots = []
    for figure in (f for f in DRAWN if f in figures):
        panels = []
        for cost, name in COSTS.items():
            if not any(len(group.curve(figure, cost)) > 1 for group in groups):
                continue
            axes = panel_axes()
            for group in groups:
                _draw(axes, group, figure, cost, style_of(group, groups))
            _finish(axes, figure, cost, teacher.get(figure))
            axes.set_xlabel(name, fontsize=FONT_SIZE)
            axes.set_ylabel(NAMES[figure], fontsize=FONT_SIZE)
            legend_below(axes)
            rows = [
                {"recipe": group.label, name: p.x, figure: p.mean, "deviation": p.deviation}
                for group in groups
                for p in group.curve(figure, cost)
            ]
            drawn = axes.figure
            assert isinstance(drawn, Figure)
            panels.append(Panel(f"by {name}", drawn, rows))
        if panels:
            plots.append(Plot(f"Learning curves: {NAMES[figure]}", tuple(panels)))
    return plots


def curves_picture(groups: Sequence[Group], figures: Sequence[str], teacher: dict[str, float | None]) -> Figure | None:
    """Draw a row for each figure and a column for each cost: mean over seeds, and a band of ± one deviation.

    Args:
        teacher: the teacher's own figures, drawn as a line.
    """
    figures = [
        figure
        for figure in DRAWN
        if figure in figures and any(group.curve(figure, cost) for group in groups for cost in COSTS)
    ]
    if not figures:
        return None
    picture = Figure(figsize=(11, 0.6 + 3 * len(figures)), layout="constrained")
    grid = picture.subplots(len(figures), len(COSTS), squeeze=False)
    for row, figure in zip(grid, figures, strict=True):
        for axes, cost in zip(row, COSTS, strict=True):
            for group in groups:
                _draw(axes, group, figure, cost, style_of(group, groups))
            _finish(axes, figure, cost, teacher.get(figure))
        row[0].set_ylabel(NAMES[figure])
        top = max(axes.get_ylim()[1] for axes in row)
        bottom = min(axes.get_ylim()[0] for axes in row)
        for axes in row:
            axes.set_ylim(bottom, top)
    for axes, name in zip(grid[-1], COSTS.values(), strict=True):
        axes.set_xlabel(name)
    handles: dict[str, Any] = {}
    for axes in grid.flat:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    picture.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=min(len(handles), 6), frameon=False
    )
    return picture


def _draw(axes: Axes, group: Group, figure: str, cost: str, style: dict[str, Any]) -> None:
    """Draw one curve; what was asked before the first step has no curve against queries, but a level.

    A reference that was judged when it was finished, and not on its way, is a level everywhere.
    """
    points = group.curve(figure, cost)
    if not points:
        if group.is_reference and (values := group.values(figure)):
            axes.axhline(statistics.fmean(values), label=group.label, linewidth=1, **style)
        return
    x, mean = [p.x for p in points], [p.mean for p in points]
    if cost == "teacher_queries" and x[0] == x[-1]:
        axes.axhline(mean[-1], label=group.label, linewidth=1, **style)
        return
    axes.plot(x, mean, label=group.label, linewidth=1.4, **style)
    if len(points) == 1:
        axes.plot(x, mean, "o", color=style["color"], markersize=4)
    deviations = [p.deviation for p in points]
    if None not in deviations:
        spread = [d for d in deviations if d is not None]
        low = [m - d for m, d in zip(mean, spread, strict=True)]
        high = [m + d for m, d in zip(mean, spread, strict=True)]
        axes.fill_between(x, low, high, color=style["color"], alpha=0.18, linewidth=0)


def _finish(axes: Axes, figure: str, cost: str, teacher: float | None) -> None:
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(which="both", top=False, right=False)
    if cost == "teacher_queries" and _is_wide(axes, 0):
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    if figure == "kl":
        if _is_wide(axes, 1):
            axes.set_yscale("log")
            axes.yaxis.set_minor_formatter(NullFormatter())
        return
    if teacher is not None:
        axes.axhline(teacher, color="0.2", linewidth=0.8, linestyle=(0, (1, 2)), label="teacher")
    _widen_near_one(axes)


def _widen_near_one(axes: Axes) -> None:
    """Make the axis of shares logit where lines come close to 1, so that those at the top can be told apart."""
    shares = _values(axes, 1)
    inside = shares[(shares > 0) & (shares < 1)]
    if not len(inside) or inside.max() < NEAR_ONE:
        return
    axes.set_yscale("logit", nonpositive="clip")
    below, above = SHARES[inside.min() >= SHARES], SHARES[inside.max() <= SHARES]
    axes.set_ylim(below[-1] if len(below) else inside.min(), above[0] if len(above) else inside.max())
    axes.yaxis.set_major_locator(FixedLocator(SHARES.tolist()))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _is_wide(axes: Axes, which: int) -> bool:
    """Tell whether the lines of a panel span so much of an axis, 0 or 1, that it is better logarithmic."""
    values = _values(axes, which)
    positive = values[values > 0]
    return len(positive) > 0 and float(positive.max()) > WIDE * float(positive.min())


def _values(axes: Axes, which: int) -> np.ndarray:
    """Return the finite coordinates, 0 or 1, of all lines of a panel, (n,)."""
    drawn = [line for line in axes.get_lines() if which or line.get_transform() == axes.transData]  # a level has no x
    lines = [np.asarray(line.get_data()[which], dtype=float) for line in drawn]
    values: np.ndarray = np.concatenate([np.empty(0), *lines])
    return np.extract(np.isfinite(values), values)
