"""The label of an experiment on a plot, as its collaboration sets it, by mplhep."""

from __future__ import annotations

import mplhep
from matplotlib.axes import Axes

from zskt.plots.plot import FONT_SIZE

EXPERIMENTS = ("ALICE", "ATLAS", "CMS", "DUNE", "LHCb")
"""Those whose way mplhep knows; any other word is set in bold."""


def put_label(axes: Axes, label: str) -> None:
    """Write a label such as "CMS Simulation" above a frame: the experiment, and what the plot is of.

    Args:
        label: the first word is the experiment; empty for none.
    """
    experiment, _, text = label.strip().partition(" ")
    if not experiment:
        return
    if experiment in EXPERIMENTS:
        getattr(mplhep, experiment.lower()).text(text, loc=0, ax=axes, fontsize=FONT_SIZE)
    else:
        mplhep.label.exp_text(experiment, text, loc=0, ax=axes, fontsize=FONT_SIZE)
