"""Plots against momentum, pseudorapidity and multiplicity: agreement and accuracy, efficiency and rejection.

Shapes: B jets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zskt.dataset import short
from zskt.jets.metrics import CUT_EFFICIENCY, MIN_JETS, QUANTITIES, Array, TaggingComparison, rounded_up, slice_edges
from zskt.jets.roc_plots import roles_of
from zskt.jets.working_points import Share, SlicedCut, sliced_cuts
from zskt.plots.intervals import clopper_pearson
from zskt.plots.palette import GREEN, ROLE_COLOURS
from zskt.plots.plot import FONT_SIZE, Panel, Plot, legend, panel_axes, plain_log, stacked_axes, wanting

NAMES = {"pt": "pT", "abs_eta": "|η|", "multiplicity": "multiplicity"}
AXIS_LABELS = {"pt": "jet $p_T$ (GeV)", "abs_eta": "jet |η|", "multiplicity": "particles in the jet"}
OFFSET = {"teacher": -0.08, "student": 0.08, "agreement": 0.0}
"""Where points stand in their bin, in shares of its width: side by side, error bars can be told apart."""


def agreement_slices(j: TaggingComparison, figures: Mapping[str, Any]) -> Plot:
    """Draw agreement and accuracies in bins of momentum, pseudorapidity and multiplicity."""
    panels = []
    for name in QUANTITIES:
        slices = figures["slices"][name]
        if not slices:
            continue
        edges = np.array([slices[0]["low"], *(row["high"] for row in slices)])
        total = np.array([row["jets"] for row in slices])
        axes, *below = [panel_axes()] if j.of_teacher else stacked_axes((3, 1.1))
        rows: list[dict[str, Any]] = [dict(row) for row in slices]
        shown = {"agreement": GREEN} | ({} if j.of_teacher else dict(ROLE_COLOURS))
        for key, colour in shown.items():
            share = np.array([row[key] for row in slices])
            low, high = clopper_pearson(share * total, total)
            label = key if key == "agreement" else f"accuracy, {key}"
            _points(axes, edges, share, low, high, colour, label, OFFSET[key])
            for row, a, b in zip(rows, low, high, strict=True):
                row |= {f"{key}, low": a, f"{key}, high": b}
        for ratio in below:
            quotient = np.array([row["student"] / row["teacher"] if row["teacher"] else np.nan for row in slices])
            _ratio(ratio, edges, quotient)
        axes.set_ylim(0, 1.4)
        axes.set_yticks(np.linspace(0, 1, 6))
        axes.set_ylabel("share of jets", fontsize=FONT_SIZE)
        legend(axes, loc="upper center", columns=2)
        panels.append(_finished(axes, [axes, *below], name, NAMES[name], rows))
    return Plot("Agreement and accuracy in slices", tuple(panels), "Bins of equal population; Clopper-Pearson bars.")


def efficiency_slices(j: TaggingComparison, quantity: str) -> Plot:
    """Draw a panel a signal: efficiency, background rejection where there is enough background, and their ratios."""
    cuts = list(sliced_cuts(j, quantity))
    panels = tuple(_cut_panel(j, cut) for cut in cuts)
    needed = {short(j.classes[cut.signal]): cut.needed for cut in cuts if cut.needed}
    drawn = {cut.signal for cut in cuts}
    bins = max(len(slice_edges(j.kinematics[quantity])) - 1, 1)
    few = {short(j.classes[k]): rounded_up(1.5 * MIN_JETS * bins) for k in j.signals if k not in drawn}
    missing = [f"the rejection of {wanting(needed, 'background jets')}" if needed else "", wanting(few, "jets of each")]
    note = (
        f"At one cut for each network and signal, which passes {100 * CUT_EFFICIENCY:.0f} % of the signal's jets. "
        "Bars are Clopper-Pearson intervals of 68 %."
    )
    title = f"Efficiency and rejection against {NAMES[quantity]}"
    return Plot(title, panels, note, ", ".join(filter(None, missing)), is_detail=quantity != "pt")


def _cut_panel(j: TaggingComparison, cut: SlicedCut) -> Panel:
    name, roles = short(j.classes[cut.signal]), roles_of(j)
    several = stacked_axes((2, 1.1) if cut.mistag is None else (2, 1.6, 1.1), height=3.1 if cut.mistag is None else 3.9)
    rows: list[dict[str, Any]] = [
        {"low": float(a), "high": float(b)} for a, b in zip(cut.edges, cut.edges[1:], strict=False)
    ]
    for role in roles:
        share = cut.efficiency[role]
        low, high = share.interval
        _points(several[0], cut.edges, share.value, low, high, ROLE_COLOURS[role], role, OFFSET[role])
        _note(rows, f"efficiency, {role}", share.value, low, high)
        if cut.mistag is not None:
            value, low, high = _rejection(cut.mistag[role])
            _points(several[1], cut.edges, value, low, high, ROLE_COLOURS[role], "", OFFSET[role])
            _note(rows, f"rejection, {role}", value, low, high)
    several[0].set_ylim(0, 1.25)
    several[0].set_yticks(np.linspace(0, 1, 5))
    several[0].set_ylabel("efficiency ε$_S$", fontsize=FONT_SIZE)
    legend(several[0], name, loc="upper center", columns=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        quotients = {"ε$_S$": cut.efficiency["student"].value / cut.efficiency["teacher"].value}
        if cut.mistag is not None:
            plain_log(several[1])
            several[1].set_ylabel("rejection 1/ε$_B$", fontsize=FONT_SIZE)
            quotients["1/ε$_B$"] = cut.mistag["teacher"].value / cut.mistag["student"].value
    for (label, quotient), marker in zip(quotients.items(), "os", strict=False):
        _ratio(several[-1], cut.edges, quotient, label if len(quotients) > 1 else "", marker)
    if len(quotients) > 1:
        legend(several[-1], loc="upper right", columns=2)
    return _finished(several[0], several, cut.quantity, name, rows)


def _rejection(mistag: Share) -> tuple[Array, Array, Array]:
    """Return 1 / eps_B and the ends of its interval; NaN where nothing passes."""
    low, high = mistag.interval
    with np.errstate(divide="ignore"):
        value, *ends = (np.where(mistag.passed > 0, 1 / share, np.nan) for share in (mistag.value, high, low))
    return value, ends[0], ends[1]


def _points(axes: Axes, edges: Array, value: Array, low: Array, high: Array, colour: str, label: str,
            offset: float) -> None:  # fmt: skip
    width = np.diff(edges)
    x = (edges[1:] + edges[:-1]) / 2 + offset * width
    bars = [np.maximum(value - low, 0), np.maximum(high - value, 0)]
    axes.errorbar(x, value, yerr=bars, xerr=None, fmt="o", color=colour, label=label or None, markersize=3.2,
                  elinewidth=0.9)  # fmt: skip
    axes.hlines(value, edges[:-1], edges[1:], color=colour, linewidth=0.8, alpha=0.6)


def _ratio(axes: Axes, edges: Array, quotient: Array, label: str = "", marker: str = "o") -> None:
    axes.axhline(1, color="0.6", linewidth=0.8, linestyle=":")
    axes.plot((edges[1:] + edges[:-1]) / 2, quotient, marker, color=ROLE_COLOURS["student"], markersize=3.2,
              label=label or None, markerfacecolor="none" if marker == "s" else None)  # fmt: skip
    axes.set_ylim(0, 2)
    axes.set_ylabel("student / teacher", fontsize=FONT_SIZE - 1.5)


def _note(rows: list[dict[str, Any]], name: str, value: Array, low: Array, high: Array) -> None:
    for row, v, a, b in zip(rows, value, low, high, strict=True):
        row |= {name: v, f"{name}, low": a, f"{name}, high": b}


def _finished(axes: Axes, several: list[Axes], quantity: str, name: str, rows: list[dict[str, Any]]) -> Panel:
    several[-1].set_xlabel(AXIS_LABELS[quantity], fontsize=FONT_SIZE)
    figure = axes.figure
    assert isinstance(figure, Figure)
    return Panel(name, figure, rows)
