"""Tagging performance on numbers that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from zskt.jets.metrics import (
    MIN_HISTOGRAM,
    background_needed,
    discriminant,
    inside_slices,
    kinematics_of,
    rejection,
    rounded_up,
    sculpting,
    slice_edges,
    tagging_metrics,
)
from zskt.jets.tracks import reconstruct

from .comparisons import sample_comparison
from .samples import sample_jets


def test_the_discriminant_leaves_other_classes_out() -> None:
    p = np.array([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0]])
    assert discriminant(p, 0, [1]).tolist() == pytest.approx([0.4, 0.0])


def test_rejection_has_its_binomial_error_or_is_a_limit() -> None:
    signal, background = np.linspace(0, 1, 101), np.linspace(0, 0.79, 80)
    value, error = rejection(signal, background, 0.3)  # threshold 0.7: 10 of 80 pass
    assert value == pytest.approx(8.0)
    assert error == pytest.approx(math.sqrt(0.125 * 0.875 / 80) * 64)
    limit, error = rejection(signal, background * 0.5, 0.3)  # none of 80 passes: less than 3.7 % do, at 95 %
    assert error is None and limit == pytest.approx(1 / (1 - 0.05 ** (1 / 80)))


def test_how_much_background_would_do() -> None:
    signal, background = np.linspace(0, 1, 101), np.linspace(0, 0.79, 80)
    assert background_needed(signal, background, 0.3) == 80  # 10 of 80 pass
    assert background_needed(signal, background, 0.3, passing=50) == 400
    assert background_needed(signal, background * 0.5, 0.3) == 800
    assert [rounded_up(count) for count in (7, 99, 1234, 12001)] == [7, 99, 1300, 13000]


def test_slices_hold_every_jet_once() -> None:
    value = np.r_[np.arange(100.0), 99.0]
    edges = slice_edges(value)
    assert len(edges) == 5 and sum(inside.sum() for inside in inside_slices(value, edges)) == 101
    assert len(slice_edges(np.arange(100_000.0))) == 9


def test_equal_masses_are_not_sculpted_and_disjoint_ones_by_a_bit() -> None:
    low, high = np.full(50, 25.0), np.full(50, 225.0)
    assert sculpting(low, low) == pytest.approx(0.0, abs=1e-9)
    assert sculpting(low, high) == pytest.approx(1.0, abs=1e-6)
    assert sculpting(low, high[: MIN_HISTOGRAM - 1]) is None


def test_figures_of_labelled_jets() -> None:
    comparison = sample_comparison()
    figures = tagging_metrics(comparison)
    assert figures["truth"] == "labels" and figures["background"] == ["QCD"] and figures["jets"] == 1000
    assert set(figures["signals"]) == set(comparison.classes) - {"QCD"}
    assert 0.9 < figures["signals"]["Hbb"]["auc"]["student"] < figures["signals"]["Hbb"]["auc"]["teacher"] < 1
    assert "0.995" in figures["signals"]["Tbl"]["rejection"]["teacher"]
    assert "0.995" not in figures["signals"]["Hbb"]["rejection"]["teacher"]
    assert figures["classes"]["Hbb"]["count"] == comparison.is_signal(1).sum()
    right = sum(row["accuracy"]["student"] * row["count"] for row in figures["classes"].values()) / 1000
    assert right == pytest.approx(figures["accuracy"]["student"])
    assert sum(row["jets"] for row in figures["slices"]["pt"]) == 1000
    assert np.trace(figures["confusion"]["teacher"]) == pytest.approx(1000 * figures["accuracy"]["teacher"])


def test_without_labels_the_teachers_class_is_the_truth() -> None:
    figures = tagging_metrics(sample_comparison(labelled=False))
    assert figures["truth"] == "the teacher's top class" and figures["accuracy"]["teacher"] == 1.0
    assert 0.3 < figures["accuracy"]["student"] < 1.0


def test_kinematics_of_both_kinds_of_jets_agree() -> None:
    jets = sample_jets(50)
    own, rebuilt = kinematics_of(jets), kinematics_of(reconstruct(jets, 0.8))
    assert (own["multiplicity"] == rebuilt["multiplicity"]).all()
    for name in ("pt", "abs_eta", "mass"):
        assert own[name].tolist() == pytest.approx(rebuilt[name].tolist(), rel=0.02, abs=0.02), name
