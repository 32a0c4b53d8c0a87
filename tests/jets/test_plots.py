"""Plots: which there are, what they show, and what is left out for want of jets."""

from __future__ import annotations

import numpy as np
import pytest

from zskt.jets.metrics import MIN_HISTOGRAM, MIN_JETS, tagging_metrics
from zskt.jets.plots import confusion, overview, tagging_plots
from zskt.jets.roc_plots import GRID, rejection_curve, roc, roles_of
from zskt.jets.score_plots import score_distributions
from zskt.jets.slice_plots import efficiency_slices

from .comparisons import sample_comparison

TITLES = [
    "Score distributions",
    "Background rejection",
    "Confusion matrix",
    "Calibration",
    "Agreement and accuracy in slices",
    "Efficiency and rejection against pT",
    "Efficiency and rejection against |η|",
    "Efficiency and rejection against multiplicity",
    "Mass of the background",
    "Student's scores against the teacher's",
]


def test_labelled_jets_get_every_plot() -> None:
    comparison = sample_comparison(strength=1.0)
    figures = tagging_metrics(comparison)
    plots = {plot.title: plot for plot in tagging_plots(comparison, figures)}
    assert list(plots) == TITLES
    assert [panel.name for panel in plots["Background rejection"].panels] == list(comparison.classes[1:])
    assert len(plots["Background rejection"].panels[0].figure.axes[0].lines) == 2
    assert [plot.title for plot in overview(comparison, figures)] == TITLES[2:5]


def test_axes_are_named_with_their_units() -> None:
    comparison = sample_comparison(strength=1.0)
    for plot in tagging_plots(comparison, tagging_metrics(comparison)):
        for panel in plot.panels:
            axes = [axes for axes in panel.figure.axes if axes.get_label() != "<colorbar>"]
            assert axes[-1].get_xlabel() and all(a.get_ylabel() for a in axes), (plot.title, panel.name)
            assert panel.rows, (plot.title, panel.name)
    (pt, *_) = efficiency_slices(comparison, "pt").panels
    assert pt.figure.axes[-1].get_xlabel().endswith("(GeV)")


def test_a_distribution_counts_every_jet_and_its_ratio_is_student_to_teacher() -> None:
    comparison = sample_comparison()
    panel = score_distributions(comparison).panels[1]
    of_class = int(comparison.is_signal(1).sum())
    for role in ("teacher", "student"):
        assert sum(row[f"{role}, Hbb"] for row in panel.rows) == of_class
        assert sum(row[f"{role}, others"] for row in panel.rows) == 1000 - of_class
    counts = np.histogram(comparison.student[comparison.is_signal(1), 1], np.linspace(0, 1, 21))[0]
    assert [row["student, Hbb"] for row in panel.rows] == counts.tolist()
    assert panel.figure.axes[0].get_yscale() == "log" and panel.figure.axes[1].get_ylabel() == "student / teacher"


def test_a_curve_is_the_rejection_where_enough_background_passes() -> None:
    signal, background = np.linspace(0, 1, 101), np.linspace(0, 0.79, 80)
    curve = rejection_curve(signal, background)
    i = int(np.argmin(np.abs(GRID - 0.3)))
    assert curve.value[i] == pytest.approx(8.0) and curve.low[i] < 8 < curve.high[i]  # 10 of 80 pass
    assert np.isnan(curve.value[GRID < 0.29]).all() and np.isfinite(curve.value[GRID > 0.31]).all()


def test_a_teacher_is_not_shown_against_itself() -> None:
    comparison = sample_comparison(labelled=False, strength=1.0)
    assert set(roles_of(comparison)) == {"student"}
    panels = roc(comparison).panels
    assert panels and len(panels[0].figure.axes) == 1 and len(panels[0].figure.axes[0].lines) == 1
    assert [panel.name for panel in confusion(comparison).panels] == ["student against teacher"]


def test_what_few_jets_cannot_carry_is_left_out_and_said() -> None:
    few = sample_comparison(most=60)
    plot = roc(few)
    assert not plot.panels and f"(about {MIN_JETS} jets of each would do)" in plot.missing
    scores = score_distributions(few)
    assert not scores.panels and f"(about {MIN_HISTOGRAM} jets of each would do)" in scores.missing
    good = roc(sample_comparison(strength=9.0))
    assert not good.panels and "background jets would do" in good.missing


def test_the_rejection_of_slices_needs_background_in_each() -> None:
    plot = efficiency_slices(sample_comparison(most=2000), "pt")
    assert "the rejection of" in plot.missing and len(plot.panels[0].figure.axes) == 2
    weak = efficiency_slices(sample_comparison(most=2000, strength=0.1), "pt")
    assert len(weak.panels[0].figure.axes) == 3 and "rejection, student" in weak.panels[0].rows[0]
    shares = [row["efficiency, teacher"] for row in weak.panels[0].rows]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)


def test_rows_of_the_confusion_are_shares() -> None:
    image = confusion(sample_comparison()).panels[-1].figure.axes[0].images[0].get_array()
    assert image is not None and image.sum(1).tolist() == pytest.approx([1.0] * 10)
