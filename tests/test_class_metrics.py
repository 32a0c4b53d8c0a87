"""Figures class by class, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from zskt.class_metrics import class_figures, one_against_rest, reliability

TRUTH = np.array([0, 0, 1, 1, 2])
P = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.5, 0.2, 0.3]])


def test_accuracy_and_auc_of_each_class() -> None:
    figures = class_figures(("a", "b", "c"), TRUTH, {"student": P})
    assert [figures[name]["count"] for name in "abc"] == [2, 2, 1]
    assert [figures[name]["accuracy"]["student"] for name in "abc"] == [0.5, 1.0, 0.0]
    assert figures["a"]["auc"]["student"] == pytest.approx(5 / 6)  # of 6 pairs one is in the wrong order
    low, high = figures["b"]["interval"]["student"]
    assert high == 1.0 and low == pytest.approx(((1 - 0.6827) / 2) ** 0.5)


def test_a_class_that_is_not_there_has_no_figures() -> None:
    figures = class_figures(("a", "b", "c", "d"), TRUTH, {"student": np.c_[P, np.zeros(5)]})
    assert figures["d"]["accuracy"]["student"] is None and figures["d"]["auc"]["student"] is None
    assert one_against_rest(P[:, 0], np.ones(5, bool)) is None


def test_a_network_that_is_as_sure_as_right_is_calibrated() -> None:
    p = np.tile([0.75, 0.25], (400, 1))
    truth = np.where(np.arange(400) % 4 == 0, 1, 0)
    curve = reliability(p, truth)
    assert curve["ece"] == pytest.approx(0.0, abs=1e-6)
    assert curve["confidence"] == pytest.approx([0.75] * 8) and np.mean(curve["accuracy"]) == pytest.approx(0.75)
    assert all(low < 0.75 < high for low, high in zip(curve["low"], curve["high"], strict=True))
    assert reliability(p, np.zeros(400, int))["ece"] == pytest.approx(0.25, abs=1e-6)
