"""Plots: which there are, and what they show."""

from __future__ import annotations

import pytest

from zskt.jets.metrics import tagging_metrics
from zskt.jets.plots import confusion, roc, roles_of, tagging_figures

from .comparisons import sample_comparison


def test_labelled_jets_get_every_plot() -> None:
    comparison = sample_comparison()
    figures = tagging_figures(comparison, tagging_metrics(comparison))
    assert len(figures) == 6
    panels = figures["Background rejection"].axes
    assert [axes.get_title() for axes in panels[:9]] == list(comparison.classes[1:])
    assert len(panels[0].lines) == 2


def test_a_teacher_is_not_shown_against_itself() -> None:
    comparison = sample_comparison(labelled=False)
    assert set(roles_of(comparison)) == {"student"}
    figure = roc(comparison)
    assert figure is not None and len(figure.axes[0].lines) == 1


def test_without_enough_background_there_is_no_rejection() -> None:
    assert roc(sample_comparison(most=15)) is None


def test_rows_of_the_confusion_are_shares() -> None:
    image = confusion(sample_comparison()).axes[0].images[0].get_array()
    assert image is not None and image.sum(1).tolist() == pytest.approx([1.0] * 10)
