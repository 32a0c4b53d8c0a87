"""The background's mass before and after a cut on each signal's score: what a tagger sculpts."""

from __future__ import annotations

import itertools

import mplhep
import numpy as np
from matplotlib.figure import Figure

from zskt.dataset import short
from zskt.jets.metrics import CUT_EFFICIENCY, MASS_BINS, MIN_HISTOGRAM, TaggingComparison, background_needed
from zskt.jets.roc_plots import roles_of, shown_signals
from zskt.plots.palette import ROLE_COLOURS
from zskt.plots.plot import FONT_SIZE, Panel, Plot, legend, panel_axes, wanting


def sculpting(j: TaggingComparison) -> Plot:
    """Draw a panel a signal whose cut leaves enough background of each network."""
    panels: list[Panel] = []
    needed: dict[str, int] = {}
    for k in shown_signals(j):
        is_signal, is_background = j.is_signal(k), j.is_background(k)
        mass, passing = j.kinematics["mass"][is_background], {}
        for role in roles_of(j):
            score = j.score(getattr(j, role), k)
            passing[role] = mass[score[is_background] >= np.quantile(score[is_signal], 1 - CUT_EFFICIENCY)]
            if len(passing[role]) < MIN_HISTOGRAM:
                count = background_needed(score[is_signal], score[is_background], CUT_EFFICIENCY, MIN_HISTOGRAM)
                needed[short(j.classes[k])] = max(count, needed.get(short(j.classes[k]), 0))
        if short(j.classes[k]) in needed:
            continue
        axes = panel_axes()
        rows = [{"low, GeV": float(a), "high, GeV": float(b)} for a, b in itertools.pairwise(MASS_BINS)]
        for label, values in (("all", mass), *passing.items()):
            density = np.histogram(values, MASS_BINS, density=True)[0]
            style = {"color": "0.55", "linestyle": "--"} if label == "all" else {"color": ROLE_COLOURS[label]}
            words = "all background" if label == "all" else f"passes the {label}'s cut"
            mplhep.histplot(density, MASS_BINS, ax=axes, label=words, linewidth=1.1, yerr=False, **style)
            for row, height in zip(rows, density, strict=True):
                row[label] = float(height)
        axes.set_xlim(MASS_BINS[0], MASS_BINS[-1])
        axes.set_xlabel("mass of background jets (GeV)", fontsize=FONT_SIZE)
        axes.set_ylabel("density (1/GeV)", fontsize=FONT_SIZE)
        legend(axes, f"{short(j.classes[k])}, ε$_S$ = {100 * CUT_EFFICIENCY:.0f} %")
        figure = axes.figure
        assert isinstance(figure, Figure)
        panels.append(Panel(short(j.classes[k]), figure, rows))
    missing = wanting(needed, "background jets")
    return Plot(
        "Mass of the background", tuple(panels), "Before and after a cut on the score.", missing, is_detail=True
    )
