"""All plots of tagging performance, teacher and student side by side, in the order of a page."""

from __future__ import annotations

from typing import Any

from zskt.dataset import short
from zskt.jets.label_comparison import LabelComparison
from zskt.jets.mass_plots import sculpting
from zskt.jets.metrics import QUANTITIES, TaggingComparison
from zskt.jets.roc_plots import roc, roles_of
from zskt.jets.score_plots import score_distributions, score_pairs
from zskt.jets.slice_plots import agreement_slices, efficiency_slices
from zskt.plots.plot import Plot
from zskt.plots.shared_plots import calibration_plot, confusion_plot


def confusion(j: TaggingComparison) -> Plot:
    """Draw confusion matrices; none of independent labels."""
    if isinstance(j, LabelComparison):
        return Plot("Confusion matrix")
    names = [short(name) for name in j.classes]
    return confusion_plot(None if j.of_teacher else j.truth, j.teacher, j.student, names)


def overview(j: TaggingComparison, figures: dict[str, Any]) -> list[Plot]:
    """Draw what is worth the time during a run: confusion, calibration, agreement.

    Args:
        j: the comparison.
        figures: what `zskt.jets.metrics.tagging_metrics` computed of it.
    """
    plots = [confusion(j), calibration_plot(figures["calibration"], list(roles_of(j))), agreement_slices(j, figures)]
    return [plot for plot in plots if plot]


def tagging_plots(j: TaggingComparison, figures: dict[str, Any]) -> list[Plot]:
    """Draw all plots of a comparison that its jets can carry; arguments as those of `overview`."""
    plots = [
        score_distributions(j),
        roc(j),
        *overview(j, figures),
        *(efficiency_slices(j, quantity) for quantity in QUANTITIES),
        sculpting(j),
        score_pairs(j),
    ]
    return [plot for plot in plots if plot]
