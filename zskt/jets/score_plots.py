"""Distributions of scores: what each network gives to jets of a class and to all others, and one against the other.

Shapes: B jets, K classes.
"""

from __future__ import annotations

import itertools

import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from zskt.dataset import short
from zskt.jets.metrics import MIN_HISTOGRAM, Array, TaggingComparison
from zskt.jets.roc_plots import roles_of
from zskt.plots.palette import ROLE_COLOURS, SEQUENTIAL
from zskt.plots.plot import FONT_SIZE, Panel, Plot, legend, panel_axes, plain_log, stacked_axes, wanting

BINS = np.linspace(0, 1, 21)
FINE_BINS = np.linspace(0, 1, 41)


def score_distributions(j: TaggingComparison) -> Plot:
    """Draw a panel a class: jets of the class and the others in bins of the probability of the class."""
    panels, few = [], {}
    for k, name in enumerate(j.classes):
        positive = j.is_signal(k)
        if min(positive.sum(), (~positive).sum()) < MIN_HISTOGRAM:
            few[short(name)] = MIN_HISTOGRAM
            continue
        panels.append(_distribution(j, k))
    note = (
        "Jets of the class and all others, by the probability that each network gives to the class. Error bars are "
        "Poisson's, of the student's jets; both networks saw the same jets."
    )
    return Plot("Score distributions", tuple(panels), note, wanting(few, "jets of each"))


def _distribution(j: TaggingComparison, k: int) -> Panel:
    roles = roles_of(j)
    axes, *below = stacked_axes((3, 1.1)) if len(roles) > 1 else [panel_axes()]
    positive, name = j.is_signal(k), short(j.classes[k])
    rows: list[dict[str, float]] = [{"low": float(a), "high": float(b)} for a, b in itertools.pairwise(BINS)]
    most = 1.0
    for label, flags in ((name, positive), ("others", ~positive)):
        counts = {role: np.histogram(getattr(j, role)[flags, k], BINS)[0].astype(float) for role in roles}
        for role, heights in counts.items():
            _draw(axes, heights, f"{role}, {label}", role, is_class=label == name)
            most = max(most, float(heights.max()))
            for row, height in zip(rows, heights, strict=True):
                row[f"{role}, {label}"] = height
        for ratio in below:
            _draw_ratio(ratio, counts["student"], counts["teacher"], is_class=label == name)
    axes.set(xlim=(0, 1), ylim=(0.5, 40 * most))
    plain_log(axes)
    axes.set_ylabel("jets", fontsize=FONT_SIZE)
    legend(axes, name, loc="upper center", columns=2)
    for ratio in below:
        ratio.axhline(1, color="0.6", linewidth=0.8, linestyle=":")
        ratio.set_ylim(0, 2)
        ratio.set_ylabel("student / teacher", fontsize=FONT_SIZE - 1.5)
    (below[0] if below else axes).set_xlabel(f"probability of {name}", fontsize=FONT_SIZE)
    figure = axes.figure
    assert isinstance(figure, Figure)
    return Panel(name, figure, rows)


def _draw(axes: Axes, heights: Array, label: str, role: str, *, is_class: bool) -> None:
    """Draw the teacher as a line, and the student as points; the others are dashed, and open."""
    colour = ROLE_COLOURS[role]
    if role == "teacher":
        line = "-" if is_class else "--"
        mplhep.histplot(heights, BINS, ax=axes, color=colour, label=label, linestyle=line, linewidth=1.1, yerr=False)
        return
    centres, shown = (BINS[1:] + BINS[:-1]) / 2, heights > 0
    axes.errorbar(
        centres[shown], heights[shown], np.sqrt(heights[shown]), fmt="o", color=colour, label=label, markersize=3,
        markerfacecolor=colour if is_class else "none", elinewidth=0.8, markeredgewidth=0.8,
    )  # fmt: skip


def _draw_ratio(axes: Axes, student: Array, teacher: Array, *, is_class: bool) -> None:
    centres, shown = (BINS[1:] + BINS[:-1]) / 2, (teacher > 0) & (student > 0)
    axes.errorbar(
        centres[shown], (student / np.maximum(teacher, 1))[shown], (np.sqrt(student) / np.maximum(teacher, 1))[shown],
        fmt="o", color=ROLE_COLOURS["student"], markersize=3, elinewidth=0.8, markeredgewidth=0.8,
        markerfacecolor=ROLE_COLOURS["student"] if is_class else "none",
    )  # fmt: skip


def score_pairs(j: TaggingComparison) -> Plot:
    """Draw the student's probability of each class against the teacher's."""
    panels = []
    for k, name in enumerate(j.classes):
        counts, x, y = np.histogram2d(j.teacher[:, k], j.student[:, k], bins=(FINE_BINS, FINE_BINS))
        axes = panel_axes()
        # mplhep's own needs figures of pyplot before matplotlib 3.11.
        most = max(float(counts.max()), 2.0)
        mesh = axes.pcolormesh(x, y, np.where(counts > 0, counts, np.nan).T, cmap=SEQUENTIAL, norm=LogNorm(1, most))
        axes.plot([0, 1], [0, 1], color=ROLE_COLOURS["student"], linewidth=0.8, linestyle="--")
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.set_xlabel(f"teacher's probability of {short(name)}", fontsize=FONT_SIZE)
        axes.set_ylabel("student's", fontsize=FONT_SIZE)
        figure = axes.figure
        assert isinstance(figure, Figure)
        bar = figure.colorbar(mesh, ax=axes, pad=0.02)
        bar.set_label("jets", fontsize=FONT_SIZE)
        bar.ax.tick_params(labelsize=FONT_SIZE - 1.5)
        rows = [
            {
                "teacher": float((x[a] + x[a + 1]) / 2),
                "student": float((y[b] + y[b + 1]) / 2),
                "jets": int(counts[a, b]),
            }
            for a, b in np.argwhere(counts > 0)
        ]
        panels.append(Panel(short(name), figure, rows))
    return Plot("Student's scores against the teacher's", tuple(panels), is_detail=True)
