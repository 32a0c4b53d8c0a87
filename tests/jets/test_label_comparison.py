"""Independent labels, each told from all jets without it."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import roc_auc_score

from zskt.jets.jetclass import read_jets
from zskt.jets.jets import JETCLASS_CLASSES, Jets
from zskt.jets.label_comparison import LabelComparison, compare_labels
from zskt.jets.metrics import tagging_metrics
from zskt.jets.plots import tagging_plots
from zskt.jets.sample import SAMPLE

NAMES = ("Tbqq", "Hbb")


def comparison(*, labelled: bool = True) -> LabelComparison:
    """Compare a good and a worse tagger of two labels on jets of ten classes."""
    data = read_jets(SAMPLE, most=600)
    assert isinstance(data.samples, Jets)
    of = torch.tensor([NAMES.index(name) if name in NAMES else len(NAMES) for name in JETCLASS_CLASSES])
    labels = of[data.labels]
    z = 3.0 * torch.nn.functional.one_hot(labels, 3)[:, :2] - 1.5 + torch.randn(len(data), 2)
    teacher, student = (torch.stack([t, torch.zeros_like(t)], 2) for t in (z, z + torch.randn(len(data), 2)))
    return compare_labels(NAMES, data.samples, labels if labelled else torch.full_like(labels, -1), teacher, student)


def test_each_label_is_told_from_all_jets_without_it() -> None:
    j = comparison()
    figures = tagging_metrics(j)
    assert figures["jets"] == 600 and list(figures["signals"]) == list(NAMES)
    expected = roc_auc_score(j.truth[:, 0], j.student[:, 0])
    assert figures["signals"]["Tbqq"]["auc"]["student"] == pytest.approx(expected)
    assert figures["accuracy"]["teacher"] == pytest.approx(float(((j.teacher > 0.5) == (j.truth > 0)).mean()))
    assert sum(map(sum, figures["confusion"]["teacher"])) == 2 * 600
    assert 0 <= figures["calibration"]["student"]["ece"] < 0.5
    agreement = float(((j.teacher > 0.5) == (j.student > 0.5)).mean())
    rows = figures["slices"]["pt"]
    assert sum(row["agreement"] * row["jets"] for row in rows) / 600 == pytest.approx(agreement)
    plots = {plot.title for plot in tagging_plots(j, figures)}
    assert "Background rejection" in plots and "Confusion matrix" not in plots
    flags = j.is_signal(0)
    assert figures["classes"]["Tbqq"]["accuracy"]["teacher"] == pytest.approx((j.teacher[flags, 0] > 0.5).mean())


def test_without_labels_the_teachers_decisions_are_the_truth() -> None:
    j = comparison(labelled=False)
    figures = tagging_metrics(j)
    assert j.of_teacher and figures["accuracy"]["teacher"] == 1.0 and 0.5 < figures["accuracy"]["student"] < 1
