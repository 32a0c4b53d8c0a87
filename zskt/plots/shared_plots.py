"""Plots that classifiers of every domain have: confusion matrices and reliability diagrams.

Shapes: B samples, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zskt.plots.palette import ROLE_COLOURS, SHARES
from zskt.plots.plot import FONT_SIZE, Panel, Plot, legend, panel_axes

Array = NDArray[np.float64]


def confusion_panel(name: str, table: Array, classes: Sequence[str], *, across: str, down: str) -> Panel:
    """Draw a confusion matrix (K, K) of counts as shares of each row.

    Args:
        across, down: whose classes the columns and the rows are.
    """
    count = len(classes)
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    longest = max(map(len, classes))
    room = 0.45 + 0.07 * longest
    side = max(2.6, 0.34 * count)
    axes = panel_axes(width=side + room + 0.12, height=side + room + 0.28, left=room, bottom=room)
    axes.imshow(shares, vmin=0, vmax=1, cmap=SHARES)
    size = min(FONT_SIZE - 1, 60 / max(count, 1) + 1)
    axes.set_xticks(range(count), classes, rotation=90, fontsize=size)
    axes.set_yticks(range(count), classes, fontsize=size)
    axes.tick_params(length=0)
    axes.set_xlabel(across, fontsize=FONT_SIZE)
    axes.set_ylabel(down, fontsize=FONT_SIZE)
    if count <= 20:
        for (y, x), share in np.ndenumerate(shares):
            if share >= 0.005:
                ink = "w" if share > 0.5 else "k"
                axes.text(x, y, f"{100 * share:.0f}", ha="center", va="center", fontsize=size - 0.5, color=ink)
    rows = [
        {down: classes[y], across: classes[x], "count": int(table[y, x]), "share of row": shares[y, x]}
        for y, x in np.ndindex(table.shape)
    ]
    figure = axes.figure
    assert isinstance(figure, Figure)
    return Panel(name, figure, rows)


def confusion_plot(truth: NDArray[Any] | None, teacher: Array, student: Array, classes: Sequence[str]) -> Plot:
    """Draw each network's top class against the truth, and the student's against the teacher's.

    Args:
        truth: (B,); None where there are no labels.
        teacher, student: probabilities or logits, (B, K).
    """
    t, s = teacher.argmax(1), student.argmax(1)
    panels = []
    if truth is not None:
        for role, top in (("teacher", t), ("student", s)):
            table = count_pairs(truth, top, len(classes))
            panels.append(
                confusion_panel(
                    f"{role} against truth", table, classes, across=f"{role}'s top class", down="true class"
                )
            )
    table = count_pairs(t, s, len(classes))
    panels.append(
        confusion_panel(
            "student against teacher", table, classes, across="student's top class", down="teacher's top class"
        )
    )
    return Plot("Confusion matrix", tuple(panels), "Numbers are percent of each row; below 0.5 % there is none.")


def count_pairs(rows: NDArray[Any], columns: NDArray[Any], count: int) -> Array:
    """Count how often each pair of classes occurs, (K, K)."""
    table = np.zeros((count, count))
    np.add.at(table, (rows.astype(int), columns.astype(int)), 1)
    return table


def calibration_plot(curves: Mapping[str, Mapping[str, Any]], roles: Sequence[str]) -> Plot:
    """Draw how often the top class is right against its probability (a reliability diagram).

    Args:
        curves: role -> "ece", and lists "confidence", "accuracy", "low", "high", a value a bin.
        roles: the networks to show.
    """
    axes = panel_axes()
    axes.plot([0, 1], [0, 1], color="0.6", linestyle=":", linewidth=1)
    rows = []
    for role in roles:
        curve = curves[role]
        x, y, low, high = (np.asarray(curve[name]) for name in ("confidence", "accuracy", "low", "high"))
        axes.errorbar(
            x,
            y,
            yerr=[np.maximum(y - low, 0), np.maximum(high - y, 0)],
            fmt="o-",
            color=ROLE_COLOURS[role],
            markersize=3,
            linewidth=1,
            elinewidth=0.8,
            label=f"{role}, ECE {curve['ece']:.4f}",
        )
        rows += [
            {"network": role, "confidence": a, "accuracy": b, "low": c, "high": d}
            for a, b, c, d in zip(x, y, low, high, strict=True)
        ]
    axes.set(xlim=(0, 1.02), ylim=(0, 1.05))
    axes.set_xlabel("probability of the top class", fontsize=FONT_SIZE)
    axes.set_ylabel("how often it is right", fontsize=FONT_SIZE)
    legend(axes, loc="upper left")
    figure = axes.figure
    assert isinstance(figure, Figure)
    note = "ECE is the expected calibration error. Error bars are Clopper-Pearson intervals of 68 %."
    return Plot("Calibration", (Panel("", figure, rows),), note)
