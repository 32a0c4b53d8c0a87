"""ROC curves as physicists draw them: background rejection against signal efficiency, and the ratio below.

Shapes: B jets, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zskt.dataset import short
from zskt.jets.metrics import MIN_JETS, Array, TaggingComparison, background_needed
from zskt.plots.intervals import clopper_pearson
from zskt.plots.palette import ROLE_COLOURS
from zskt.plots.plot import FONT_SIZE, Panel, Plot, legend, panel_axes, plain_log, stacked_axes, wanting

GRID = np.linspace(0.02, 1.0, 99)
"""Signal efficiencies of the curves."""
MIN_POINTS = 10
"""Points of a curve without which there is no panel."""


@dataclass(frozen=True)
class Curve:
    """Background rejection at the efficiencies of `GRID`, NaN where fewer than `MIN_JETS` pass, and its interval."""

    value: Array
    low: Array
    high: Array


def rejection_curve(signal: Array, background: Array) -> Curve:
    """Compute a curve from scores of signal and background, (N_S,) and (N_B,)."""
    thresholds = np.quantile(signal, 1 - GRID)
    passed = len(background) - np.searchsorted(np.sort(background), thresholds, side="left")
    low, high = clopper_pearson(passed, np.full(len(passed), len(background)))
    known = passed >= MIN_JETS
    with np.errstate(divide="ignore"):
        value, *ends = (np.where(known, 1 / share, np.nan) for share in (passed / len(background), high, low))
    return Curve(value, *ends)


def shown_signals(j: TaggingComparison) -> list[int]:
    """Return the classes with enough jets, if there is enough background, too."""
    return [k for k in j.signals if min(j.is_signal(k).sum(), j.is_background(k).sum()) >= MIN_JETS]


def roles_of(j: TaggingComparison) -> dict[str, str]:
    """Return the networks to show, and their colours: without labels a teacher is perfect, and left out."""
    return {"student": ROLE_COLOURS["student"]} if j.of_teacher else ROLE_COLOURS


def roc(j: TaggingComparison) -> Plot:
    """Draw a panel a signal, with Clopper-Pearson bands."""
    panels, needed = [], {}
    for k in shown_signals(j):
        scores = {role: j.score(getattr(j, role), k) for role in roles_of(j)}
        curves = {role: rejection_curve(s[j.is_signal(k)], s[j.is_background(k)]) for role, s in scores.items()}
        if min(np.isfinite(curve.value).sum() for curve in curves.values()) < MIN_POINTS:
            needed[short(j.classes[k])] = max(
                background_needed(s[j.is_signal(k)], s[j.is_background(k)], 0.9) for s in scores.values()
            )
            continue
        panels.append(_panel(short(j.classes[k]), curves))
    few = [short(j.classes[k]) for k in j.signals if k not in shown_signals(j)]
    missing = [wanting(needed, "background jets"), wanting(dict.fromkeys(few, MIN_JETS), "jets of each")]
    note = f"Bands are Clopper-Pearson intervals of 68 %; curves end where fewer than {MIN_JETS} background jets pass."
    return Plot("Background rejection", tuple(panels), note, ", ".join(filter(None, missing)))


def _panel(name: str, curves: dict[str, Curve]) -> Panel:
    axes, *below = stacked_axes((3, 1.1)) if len(curves) > 1 else [panel_axes()]
    for role, curve in curves.items():
        draw_band(axes, curve, role, ROLE_COLOURS[role])
    known = np.isfinite(list(curves.values())[-1].value) | np.isfinite(next(iter(curves.values())).value)
    axes.set_xlim(max(0.0, np.floor(10 * GRID[known][0] - 0.5) / 10), 1)
    plain_log(axes)
    axes.set_ylabel("rejection 1/ε$_B$", fontsize=FONT_SIZE)
    legend(axes, name, loc="lower left")
    rows = [{"signal efficiency": float(e)} for e in GRID]
    for role, curve in curves.items():
        for row, value, low, high in zip(rows, curve.value, curve.low, curve.high, strict=True):
            row |= {f"rejection, {role}": value, f"low, {role}": low, f"high, {role}": high}
    for ratio in below:
        quotient = curves["student"].value / curves["teacher"].value
        ratio.axhline(1, color="0.6", linewidth=0.8, linestyle=":")
        ratio.plot(GRID, quotient, color=ROLE_COLOURS["student"], linewidth=1.2)
        ratio.set_ylim(0, max(1.25, min(2.0, 1.1 * float(np.nanmax(quotient, initial=1.0)))))
        ratio.set_ylabel("student / teacher", fontsize=FONT_SIZE - 1.5)
        for row, value in zip(rows, quotient, strict=True):
            row["student / teacher"] = value
    (below[0] if below else axes).set_xlabel("signal efficiency ε$_S$", fontsize=FONT_SIZE)
    figure = axes.figure
    assert isinstance(figure, Figure)
    return Panel(name, figure, rows)


def draw_band(axes: Axes, curve: Curve, label: str, colour: str) -> None:
    """Draw a curve and its interval."""
    axes.fill_between(GRID, curve.low, curve.high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(GRID, curve.value, color=colour, label=label, linewidth=1.3)
