"""Plots of tagging performance, teacher and student side by side.

Shapes: B jets, K classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from zskt.dataset import short
from zskt.jets.label_comparison import LabelComparison
from zskt.jets.metrics import CUT_EFFICIENCY, MASS_BINS, MIN_JETS, TaggingComparison

ROLE_COLOURS = {"teacher": "tab:blue", "student": "tab:orange"}
PANELS_PER_ROW = 4


def _panels(count: int, height: float = 2.6) -> tuple[Figure, list[Axes]]:
    across = min(PANELS_PER_ROW, count)
    down = -(-count // across)
    width, height = 2.7 * across, height * down
    figure = Figure(figsize=(width, height))
    # Room for tick labels, label and title of each panel, in inches: a layout that measures them takes a second.
    inner = (width - 0.7 - 0.5 * (across - 1)) / across, (height - 0.8 - 0.75 * (down - 1)) / down
    room = {"left": 0.6 / width, "right": 1 - 0.1 / width, "bottom": 0.5 / height, "top": 1 - 0.3 / height}
    room |= {"wspace": 0.5 / inner[0], "hspace": 0.75 / inner[1]}
    axes = list(np.atleast_1d(figure.subplots(down, across, gridspec_kw=room)).flatten())
    for empty in axes[count:]:
        empty.axis("off")
    return figure, axes[:count]


def _signals(j: TaggingComparison) -> list[int]:
    """Return the classes with enough jets, if there is enough background, too."""
    return [k for k in j.signals if min(j.is_signal(k).sum(), j.is_background(k).sum()) >= MIN_JETS]


def roc(j: TaggingComparison) -> Figure | None:
    """Plot background rejection against signal efficiency, a panel a class; None if there is nothing to tell apart."""
    signals = _signals(j)
    if not signals:
        return None
    figure, panels = _panels(len(signals))
    for axes, k in zip(panels, signals, strict=True):
        rows = j.is_signal(k) | j.is_background(k)
        for role, colour in roles_of(j).items():
            p = getattr(j, role)
            false, true, _ = roc_curve(j.is_signal(k)[rows], j.score(p, k)[rows])
            shown = false > 0
            axes.plot(true[shown], 1 / false[shown], color=colour, label=role)
        axes.set(yscale="log", xlim=(0, 1), xlabel="signal efficiency", title=short(j.classes[k]))
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("background rejection")
    panels[0].legend(frameon=False, fontsize=8)
    return figure


def confusion(j: TaggingComparison) -> Figure | None:
    """Plot the student's top class against the teacher's, in shares of each row; None of independent labels."""
    if isinstance(j, LabelComparison):
        return None
    count = len(j.classes)
    table = np.zeros((count, count))
    np.add.at(table, (j.teacher.argmax(1), j.student.argmax(1)), 1)
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    figure = Figure(figsize=(1.6 + 0.5 * count, 1.3 + 0.45 * count), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, vmin=0, vmax=1, cmap="Blues")
    names = [short(name) for name in j.classes]
    axes.set_xticks(range(count), names, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(range(count), names, fontsize=8)
    axes.set(xlabel="student", ylabel="teacher")
    for (y, x), share in np.ndenumerate(shares):
        if share >= 0.005:
            axes.text(x, y, f"{share:.2f}", ha="center", va="center", fontsize=7, color="w" if share > 0.5 else "k")
    return figure


def roles_of(j: TaggingComparison) -> dict[str, str]:
    """Return the networks to show, and their colours: without labels a teacher is perfect, and left out."""
    return {"student": ROLE_COLOURS["student"]} if j.of_teacher else ROLE_COLOURS


def calibration(j: TaggingComparison, figures: dict[str, Any]) -> Figure:
    """Plot how often the top class is right against its probability (a reliability diagram)."""
    figure = Figure(figsize=(3.6, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linestyle=":")
    for role, colour in roles_of(j).items():
        curve = figures["calibration"][role]
        label = f"{role}, ECE {curve['ece']:.3f}"
        axes.plot(curve["confidence"], curve["accuracy"], "o-", color=colour, label=label, markersize=3)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="probability of the top class", ylabel="how often it is right")
    axes.legend(frameon=False, fontsize=8)
    return figure


def scores(j: TaggingComparison) -> Figure:
    """Plot the student's probability of each class against the teacher's."""
    figure, panels = _panels(len(j.classes))
    bins = np.linspace(0, 1, 41)
    for k, axes in enumerate(panels):
        counts, x, y = np.histogram2d(j.teacher[:, k], j.student[:, k], bins=(bins, bins))
        # mplhep's own needs figures of pyplot before matplotlib 3.11.
        axes.pcolormesh(x, y, np.where(counts > 0, np.log10(np.maximum(counts, 1)) + 0.1, np.nan).T)
        axes.plot([0, 1], [0, 1], color="tab:red", linewidth=0.7)
        axes.set(title=short(j.classes[k]), xlabel="teacher", aspect="equal", xlim=(0, 1), ylim=(0, 1))
    panels[0].set_ylabel("student")
    return figure


def slices(j: TaggingComparison, figures: dict[str, Any]) -> Figure:
    """Plot agreement and accuracies in bins of momentum, pseudorapidity and multiplicity."""
    names = {"pt": "pT (GeV)", "abs_eta": "|η|", "multiplicity": "particles"}
    figure, panels = _panels(len(names))
    for axes, (name, label) in zip(panels, names.items(), strict=True):
        rows = figures["slices"][name]
        if not rows:
            continue
        edges = [rows[0]["low"], *(row["high"] for row in rows)]
        shown = [("agreement", "tab:green")] + ([] if j.of_teacher else list(ROLE_COLOURS.items()))
        for key, colour in shown:
            mplhep.histplot([row[key] for row in rows], edges, ax=axes, color=colour, label=key, edges=False)
        axes.set(xlabel=label, ylim=(0, 1.02))
    panels[0].legend(frameon=False, fontsize=8)
    return figure


def sculpting(j: TaggingComparison) -> Figure | None:
    """Plot the background's mass before and after a cut on each class's score; None if there is nothing to cut on."""
    signals = _signals(j)
    if not signals:
        return None
    figure, panels = _panels(len(signals))
    for axes, k in zip(panels, signals, strict=True):
        background = j.is_background(k)
        mass = j.kinematics["mass"][background]
        mplhep.histplot(np.histogram(mass, MASS_BINS, density=True)[0], MASS_BINS, ax=axes, color="0.6", label="all")
        few = []
        for role, p in (("teacher", j.teacher), ("student", j.student)):
            score = j.score(p, k)
            passing = mass[score[background] >= np.quantile(score[j.is_signal(k)], 1 - CUT_EFFICIENCY)]
            if len(passing) < MIN_JETS:
                few.append(f"{role}'s cut leaves {len(passing)}:\ntoo few to show")
                continue
            shown = np.histogram(passing, MASS_BINS, density=True)[0]
            mplhep.histplot(shown, MASS_BINS, ax=axes, color=ROLE_COLOURS[role], label=f"{role}'s cut")
        axes.text(0.97, 0.95, "\n".join(few), transform=axes.transAxes, ha="right", va="top", fontsize=7)
        axes.set(title=f"{short(j.classes[k])} at {CUT_EFFICIENCY:.0%}", xlabel="background's mass (GeV)", yticks=[])
    panels[0].legend(frameon=False, fontsize=7)
    return figure


def tagging_figures(j: TaggingComparison, figures: dict[str, Any]) -> dict[str, Figure]:
    """Draw all plots of a comparison, by title.

    Args:
        j: the comparison.
        figures: what `zskt.jets.metrics.physics` computed of it.
    """
    plots: dict[str, Callable[[], Figure | None]] = {
        "Background rejection": lambda: roc(j),
        "Student's classes against the teacher's": lambda: confusion(j),
        "Calibration": lambda: calibration(j, figures),
        "Student's scores against the teacher's": lambda: scores(j),
        "Slices": lambda: slices(j, figures),
        "Mass of the background": lambda: sculpting(j),
    }
    drawn = {title: draw() for title, draw in plots.items()}
    return {title: figure for title, figure in drawn.items() if figure is not None}
