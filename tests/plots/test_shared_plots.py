"""Confusion matrices and reliability diagrams."""

from __future__ import annotations

import numpy as np
import pytest

from zskt.plots.plot import wanting
from zskt.plots.shared_plots import confusion_plot, count_pairs


def test_pairs_are_counted() -> None:
    table = count_pairs(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert table.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_confusion_stands_against_truth_and_teacher_and_without_labels_against_the_teacher() -> None:
    eye = np.eye(3)
    truth, teacher, student = np.array([0, 1, 1, 2]), eye[[0, 1, 1, 1]], eye[[0, 1, 2, 2]]
    plot = confusion_plot(truth, teacher, student, ("a", "b", "c"))
    assert [p.name for p in plot.panels] == [
        "teacher against truth",
        "student against truth",
        "student against teacher",
    ]
    image = plot.panels[1].figure.axes[0].images[0].get_array()
    assert image is not None and image.tolist() == [[1, 0, 0], [0, 0.5, 0.5], [0, 0, 1]]
    shares = {(r["teacher's top class"], r["student's top class"]): r["share of row"] for r in plot.panels[2].rows}
    assert shares["b", "c"] == pytest.approx(2 / 3)
    assert len(confusion_plot(None, teacher, student, ("a", "b", "c")).panels) == 1


def test_what_is_left_out_is_said_with_how_many_would_do() -> None:
    assert wanting({"Hbb": 1200, "Hcc": 400}, "background jets") == "Hbb, Hcc (about 1 200 background jets would do)"
    assert wanting({}, "jets") == ""
