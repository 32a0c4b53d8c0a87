"""Plots of several students of one teacher that every domain has: accuracy class by class, and calibration."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zskt.plots.palette import BLACK
from zskt.plots.plot import FONT_SIZE, Panel, Plot, legend_below, panel_axes

Styles = Mapping[str, Mapping[str, Any]]
"""Recipe -> colour and dashes."""


def _styled(styles: Styles) -> Styles:
    return {"teacher": {"color": BLACK, "linestyle": "-"}, **styles}


def class_overlay(figures: Mapping[str, Sequence[Mapping[str, Any]]], styles: Styles) -> Plot:
    """Draw the accuracy of each class: mean over seeds and ± one deviation.

    Args:
        figures: network -> `zskt.class_metrics.class_figures` of each seed.
    """
    classes = list(next(iter(figures.values()))[0])
    axes = panel_axes(height=2.9 + 0.075 * max(map(len, classes)), bottom=0.2 + 0.075 * max(map(len, classes)))
    rows: list[dict[str, Any]] = [{"class": name} for name in classes]
    for i, (label, seeds) in enumerate(figures.items()):
        values = [[seed[name]["accuracy"]["student"] or 0.0 for seed in seeds] for name in classes]
        means = [statistics.fmean(several) for several in values]
        spread = [statistics.stdev(several) if len(several) > 1 else 0.0 for several in values]
        x = np.arange(len(classes)) + 0.7 * ((i + 0.5) / len(figures) - 0.5)
        colour = _styled(styles)[label]["color"]
        axes.errorbar(x, means, spread, fmt="o", color=colour, label=label, markersize=3, elinewidth=0.9)
        for row, mean, deviation in zip(rows, means, spread, strict=True):
            row |= {label: mean, f"{label}, deviation": deviation}
    axes.set_xticks(range(len(classes)), classes, rotation=90, fontsize=min(FONT_SIZE - 1, 90 / len(classes)))
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("accuracy", fontsize=FONT_SIZE)
    legend_below(axes)
    figure = axes.figure
    assert isinstance(figure, Figure)
    return Plot("Accuracy by class", (Panel("", figure, rows),), "Means over seeds, bars ± one standard deviation.")


def calibration_overlay(curves: Mapping[str, Sequence[Mapping[str, Any]]], styles: Styles) -> Plot:
    """Draw reliability curves: mean over seeds.

    Args:
        curves: network -> `zskt.class_metrics.reliability` of each seed.
    """
    axes = panel_axes()
    axes.plot([0, 1], [0, 1], color="0.6", linestyle=":", linewidth=1)
    rows: list[dict[str, Any]] = []
    for label, seeds in curves.items():
        x, y = (np.mean([seed[key] for seed in seeds], axis=0) for key in ("confidence", "accuracy"))
        error = statistics.fmean(seed["ece"] for seed in seeds)
        axes.plot(x, y, marker="o", label=f"{error:.4f}: {label}", markersize=3, linewidth=1, **_styled(styles)[label])
        rows += [{"network": label, "confidence": a, "accuracy": b} for a, b in zip(x, y, strict=True)]
    axes.set(xlim=(0, 1.02), ylim=(0, 1.05))
    axes.set_xlabel("probability of the top class", fontsize=FONT_SIZE)
    axes.set_ylabel("how often it is right", fontsize=FONT_SIZE)
    legend_below(axes, "expected calibration error")
    figure = axes.figure
    assert isinstance(figure, Figure)
    return Plot("Calibration", (Panel("", figure, rows),), "Means over seeds.")
