"""Several students of one teacher on the same jets: ROC curves over each other, seeds as a band.

Shapes: B jets, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zskt.dataset import short
from zskt.jets.metrics import Array, TaggingComparison
from zskt.jets.roc_plots import GRID, MIN_POINTS, Curve, rejection_curve, shown_signals
from zskt.plots.palette import BLACK
from zskt.plots.plot import FONT_SIZE, Panel, Plot, legend_below, plain_log, stacked_axes, wanting


def roc_overlay(students: Mapping[str, Sequence[TaggingComparison]], styles: Mapping[str, Mapping[str, Any]]) -> Plot:
    """Draw a panel a signal: the teacher, and each recipe's mean over seeds with a band of ± one deviation.

    Args:
        students: recipe -> a comparison a seed, all of one teacher on the same jets.
        styles: recipe -> colour and dashes.
    """
    first = next(iter(students.values()))[0]
    panels, needed = [], {}
    for k in shown_signals(first):
        curves = {} if first.of_teacher else {"teacher": [_curve(first, first.teacher, k)]}
        curves |= {label: [_curve(j, j.student, k) for j in several] for label, several in students.items()}
        if min(np.isfinite(c.value).sum() for several in curves.values() for c in several) < MIN_POINTS:
            needed[short(first.classes[k])] = 20 * int(first.is_background(k).sum())
            continue
        panels.append(_panel(short(first.classes[k]), curves, {"teacher": {"color": BLACK}, **styles}))
    note = "Lines are means over seeds, bands ± one standard deviation over seeds; the ratio is to the teacher."
    return Plot("Background rejection", tuple(panels), note, wanting(needed, "background jets"))


def _curve(j: TaggingComparison, p: Array, k: int) -> Curve:
    score = j.score(p, k)
    return rejection_curve(score[j.is_signal(k)], score[j.is_background(k)])


def _panel(name: str, curves: Mapping[str, Sequence[Curve]], styles: Mapping[str, Mapping[str, Any]]) -> Panel:
    axes, ratio = stacked_axes((3, 1.2), height=3.6)
    rows: list[dict[str, float]] = [{"signal efficiency": float(e)} for e in GRID]
    teacher = curves["teacher"][0].value if "teacher" in curves else None
    shown = np.zeros(len(GRID), bool)
    for label, several in curves.items():
        values = np.stack([curve.value for curve in several])
        mean, spread = values.mean(0), values.std(0, ddof=1) if len(values) > 1 else np.zeros(len(GRID))
        shown |= np.isfinite(mean)
        axes.plot(GRID, mean, label=label, linewidth=1.2, **styles[label])
        axes.fill_between(GRID, mean - spread, mean + spread, color=styles[label]["color"], alpha=0.2, linewidth=0)
        for row, value, deviation in zip(rows, mean, spread, strict=True):
            row |= {label: float(value), f"{label}, deviation": float(deviation)}
        if teacher is not None and label != "teacher":
            ratio.plot(GRID, mean / teacher, linewidth=1, **styles[label])
    axes.set_xlim(max(0.0, np.floor(10 * GRID[shown][0] - 0.5) / 10), 1)
    axes.set_ylabel("rejection 1/ε$_B$", fontsize=FONT_SIZE)
    plain_log(axes)
    ratio.axhline(1, color="0.6", linewidth=0.8, linestyle=":")
    ratio.set_ylim(0, 2)
    ratio.set_ylabel("/ teacher", fontsize=FONT_SIZE - 1.5)
    ratio.set_xlabel("signal efficiency ε$_S$", fontsize=FONT_SIZE)
    legend_below(axes, name)
    figure = axes.figure
    assert isinstance(figure, Figure)
    return Panel(name, figure, rows)
