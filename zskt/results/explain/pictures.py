"""Pictures of shape functions: a panel a feature, a curve a class with its band over seeds, samples below.

Shapes: N samples, F features, G points of a grid, K classes, O outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zskt.dataset import short
from zskt.plots.palette import series_style
from zskt.results.explain.asked import PRIOR
from zskt.results.explain.explanation import Shapes

COLUMNS = 2
PANEL = (4.6, 2.9)
"""Width and height of a feature's panel, inches."""
N_BINS = 40
MAX_CURVES = 12
"""Classes that are drawn, those with the largest curves; the table of curves has all."""


def shapes_figure(shapes: Shapes, classes: Sequence[str], names: dict[str, str], order: Sequence[str]) -> Figure:
    """Draw the shapes of a group of runs.

    Args:
        classes: names of the first K outputs.
        names: of each set of samples.
        order: names of the features in the order in which they are drawn.
    """
    rows = -(-len(order) // COLUMNS)
    figure = Figure(figsize=(COLUMNS * PANEL[0], rows * PANEL[1] + 0.7), layout="constrained")
    grid = figure.add_gridspec(2 * rows, COLUMNS, height_ratios=[3, 1] * rows)
    values = shapes.values[..., : len(classes)]
    drawn = values.mean(0).square().mean((0, 1)).argsort(descending=True)[:MAX_CURVES].sort().values.tolist()
    limit = 1.05 * float(values[..., drawn].abs().max())
    curves: Axes | None = None
    for panel, name in enumerate(order):
        f = shapes.names.index(name)
        row, column = divmod(panel, COLUMNS)
        curves = figure.add_subplot(grid[2 * row, column])
        below = figure.add_subplot(grid[2 * row + 1, column], sharex=curves)
        x = shapes.grid[:, f].numpy()
        for i, k in enumerate(drawn):
            seeds = values[:, :, f, k]
            mean = seeds.mean(0).numpy()
            curves.plot(x, mean, **series_style(i), linewidth=1.3, label=short(classes[k]))
            if len(seeds) > 1:
                low, high = seeds.amin(0).numpy(), seeds.amax(0).numpy()
                curves.fill_between(x, low, high, color=series_style(i)["color"], alpha=0.2, linewidth=0)
        curves.axhline(0, color="0.6", linewidth=0.6, zorder=0)
        curves.set(ylim=(-limit, limit), ylabel="logit" if column == 0 else "")
        curves.tick_params(labelbottom=False)
        _density(below, shapes, f, names)
        below.set_xlabel(shapes.labels[f])
        if panel == 0:
            below.legend(fontsize=7, frameon=False)
    if curves is not None:
        handles, labels = curves.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 6), frameon=False)
    return figure


def _density(axes: Axes, shapes: Shapes, feature: int, names: dict[str, str]) -> None:
    """Draw how the samples of each set are spread over a feature."""
    low, high = (float(shapes.grid[i, feature]) for i in (0, -1))
    bins = np.linspace(low, high if high > low else low + 1, N_BINS + 1)
    for name, samples in shapes.samples.items():
        style = {"histtype": "stepfilled", "color": "0.75"} if name == PRIOR else {"histtype": "step", "color": "0.2"}
        column = torch.clamp(samples[:, feature], float(bins[0]), float(bins[-1])).numpy()
        axes.hist(column, bins, density=True, label=names[name], **style)  # type: ignore[arg-type]
    axes.set_yticks([])
