"""Metrics against values done by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from zskt.dataset import Labelled
from zskt.gaussian import GaussianHead
from zskt.metrics import Predictions, agreement, auc, compare, compare_values, ece, network_metrics, predict

LOGITS = torch.tensor([[0.8, 0.2], [0.7, 0.3], [0.4, 0.6], [0.1, 0.9]]).log()


def test_auc_counts_pairs_in_the_right_order() -> None:
    assert auc(LOGITS, torch.tensor([0, 0, 1, 1])) == 1
    assert auc(LOGITS, torch.tensor([0, 1, 0, 1])) == 0.75  # of four pairs one is the wrong way round
    three = torch.eye(3)[[0, 1, 2, 0]] * 5
    assert auc(three, torch.tensor([0, 1, 2, 0])) == 1
    assert auc(three, torch.tensor([0, 1, 1, 0])) is None  # a class is missing
    assert auc(torch.zeros(3, 0), torch.zeros(3)) is None


def test_calibration_error_is_confidence_less_accuracy_by_bins() -> None:
    # Four samples in four bins, confidences 0.8, 0.7, 0.6, 0.9; the second is wrong.
    expected = (0.2 + 0.7 + 0.4 + 0.1) / 4
    assert ece(LOGITS, torch.tensor([0, 1, 1, 1])) == pytest.approx(expected, abs=1e-6)


def test_agreement_is_of_top_classes() -> None:
    assert agreement(LOGITS, LOGITS.flip(1)) == 0 and agreement(LOGITS, 3 * LOGITS + 1) == 1
    assert agreement(LOGITS, torch.tensor([[1.0, 0.0]] * 4)) == 0.5


def predictions(logits: Tensor, values: Tensor | None = None) -> Predictions:
    return Predictions(logits, values, seconds=0.008)


def test_metrics_of_a_network_are_of_the_labelled_samples() -> None:
    entry = network_metrics("net", 10, predictions(LOGITS), torch.tensor([0, 1, -1, 1]))
    assert entry["accuracy"] == pytest.approx(2 / 3) and entry["auc"] == 1.0 and entry["parameters"] == 10
    assert entry["ms_per_sample"] == pytest.approx(2.0)
    unlabelled = network_metrics("net", 10, predictions(LOGITS), torch.full((4,), -1))
    assert unlabelled["accuracy"] is unlabelled["auc"] is unlabelled["ece"] is None


def test_students_are_compared_with_their_teacher() -> None:
    other = torch.tensor([[0.5, 0.5]] * 4).log()
    metrics = compare(predictions(LOGITS), predictions(other))
    kl = sum(p * math.log(p / 0.5) for row in LOGITS.exp().tolist() for p in row) / 4
    assert metrics["kl"] == pytest.approx(kl, rel=1e-5) and metrics["agreement"] == 0.5
    assert compare(None, predictions(other)) == {"agreement": None, "kl": None}
    certain = torch.tensor([[0.0, -math.inf]] * 4)
    assert compare(predictions(other), predictions(certain))["kl"] is None  # infinite, which JSON cannot hold


def test_regressed_values_are_compared_by_name() -> None:
    t, s = torch.tensor([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]), torch.tensor([[10.0, 5.0], [20.0, 6.0], [30.0, 5.0]])
    metrics = compare(predictions(torch.zeros(3, 0), t), predictions(torch.zeros(3, 0), s), ("mass", "width"))
    assert metrics["values"]["mass"] == {"correlation": pytest.approx(1.0), "median_difference": 18.0}
    assert metrics["values"]["width"] == {"correlation": None, "median_difference": 0.0}  # no spread
    assert metrics["agreement"] is None
    assert compare_values(torch.tensor([1.0]), torch.tensor([2.0])) == {"correlation": None, "median_difference": 1.0}


@dataclass(frozen=True)
class Rows:
    """Inputs that are the samples."""

    domain: str = "rows"

    def __call__(self, samples: Tensor) -> tuple[Tensor]:
        return (samples,)


def test_prediction_is_in_evaluation_mode_and_leaves_the_networks_own() -> None:
    network = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.9)).train()
    x = torch.randn(600, 2) + 5
    data = Labelled(x, torch.zeros(600))
    answers = predict(network, data, Rows(), torch.device("cpu"))
    assert torch.allclose(answers.logits, x / math.sqrt(1 + 1e-5)) and answers.values is None and network.training
    assert float(network[0].running_mean.abs().sum()) == 0 and answers.seconds > 0  # type: ignore[union-attr, operator]


def test_figures_of_independent_labels_are_of_all_decisions() -> None:
    z = torch.tensor([[2.0, -1.0], [-1.0, 3.0], [1.0, -2.0], [-3.0, -1.0]])
    logits = torch.stack([z, torch.zeros_like(z)], 2)
    labels = torch.tensor([0, 1, 2, 1])  # the third has neither label: its first decision is wrong, the fourth's second
    entry = network_metrics("net", 1, predictions(logits), labels)
    assert entry["accuracy"] == pytest.approx(6 / 8)
    first = 1.0  # 2 of the only one with the label is the largest
    second = (2 + 1.5) / 4  # 3 and -1 with it, -1 and -2 without: one pair is tied
    assert entry["auc"] == pytest.approx((first + second) / 2)
    right = torch.tensor([1, 1, 1, 1, 0, 1, 1, 0])
    p = torch.maximum(z.sigmoid(), 1 - z.sigmoid()).flatten()
    bins = {int(15 * c) for c in p.tolist()}
    gaps = [(p - right)[(15 * p).int() == i].sum().abs() / 8 for i in bins]
    assert entry["ece"] == pytest.approx(float(sum(gaps)), abs=1e-5)
    assert auc(logits, torch.tensor([0, 0, 2, 2])) is None  # nothing has the second label


def test_labels_agree_by_equal_decisions_and_their_divergences_are_summed() -> None:
    z, other = torch.tensor([[2.0, -1.0], [-1.0, 3.0]]), torch.tensor([[2.0, 1.0], [-1.0, 3.0]])
    pairs = [torch.stack([t, torch.zeros_like(t)], 2) for t in (z, other)]
    metrics = compare(predictions(pairs[0]), predictions(pairs[1]))
    assert metrics["agreement"] == 3 / 4
    p, q = torch.sigmoid(torch.tensor([-1.0, 1.0])).tolist()
    assert metrics["kl"] == pytest.approx((p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))) / 2, rel=1e-5)


def test_a_mean_is_off_in_units_of_the_teachers_width_and_a_width_in_shares_of_it() -> None:
    t = torch.tensor([[100.0, 5.0], [50.0, 10.0]])
    s = torch.tensor([[110.0, 6.0], [50.0, 9.0]])
    none = torch.zeros(2, 0)
    values = compare(predictions(none, t), predictions(none, s), ("m", "m_std"), (GaussianHead(0, 1),))["values"]
    assert values["m"]["rms_in_widths"] == pytest.approx(math.sqrt(4 / 2))
    assert values["m"]["width_error"] == pytest.approx(0.1) and "width_error" not in values["m_std"]
