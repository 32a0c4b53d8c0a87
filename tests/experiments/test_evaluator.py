"""The evaluator of a student: what it measures, and that it asks once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from zskt.dataset import Labelled
from zskt.domains import Source
from zskt.errors import MissingSamples, UserError
from zskt.experiments.evaluator import Evaluator, count_parameters

PIXELS = torch.tensor([[3.0, 0.0], [0.0, 3.0], [3.0, 0.0], [0.0, 3.0]])


class Swapped(nn.Module):
    """Scores in the wrong order for every sample, or for the first alone."""

    def __init__(self, first_only: bool) -> None:
        super().__init__()
        self.first_only, self.calls = first_only, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return torch.cat([x[:1].flip(1), x[1:]]) if self.first_only else x.flip(1)


class Plain(nn.Module):
    """Samples are their own logits."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x


def evaluator(teacher: nn.Module | None, file: Path | None = None) -> tuple[Evaluator, list[int]]:
    """An evaluator of four samples of two classes, and a list that grows with each reading."""
    readings: list[int] = []

    def read() -> Labelled:
        readings.append(1)
        return Labelled(PIXELS, torch.tensor([0, 1, 0, 1]))

    card: Any = SimpleNamespace(
        domain="images", inputs=lambda x: (x,), values=(), gaussians=(), bernoulli=False, parameters=lambda: 7
    )
    source = Source("four", "four", "sample", read, () if file is None else (file,))
    return Evaluator(source, card, teacher, torch.device("cpu")), readings


def test_samples_are_read_and_the_teacher_is_asked_once_and_late() -> None:
    teacher = Plain()
    judge, readings = evaluator(teacher)
    assert not readings and not teacher.calls
    for _ in range(3):
        judge.monitor(Swapped(True))
    assert len(readings) == 1 and teacher.calls == 1


def test_metrics_of_a_run_are_of_labels_and_teacher() -> None:
    judge, _ = evaluator(Plain())
    metrics = judge.monitor(Swapped(True))
    assert (metrics["test/accuracy"], metrics["test/agreement"]) == (0.75, 0.75)
    p = torch.tensor(3.0, dtype=torch.double).sigmoid()
    # one sample of four is swapped: KL((p, q) || (q, p)) = (p - q) log(p / q), and the logits differ by 3
    assert metrics["test/kl"] == pytest.approx(float((2 * p - 1) * 3) / 4)
    assert judge.monitor(Swapped(False))["test/auc"] == 0


def test_a_student_without_teacher_is_measured_by_labels_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    judge, _ = evaluator(None, tmp_path / "a")
    entries = judge.evaluate(Swapped(True), "nobody", "swapped")
    assert entries["teacher"] == {"name": "nobody", "parameters": None, "accuracy": None, "auc": None}
    student = entries["student"]
    assert (student["name"], student["accuracy"], student["agreement"], student["kl"]) == ("swapped", 0.75, None, None)
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of FIPS 180-2
    assert entries["data"] == {"name": "four", "sha256": abc, "count": 4, "unit": "sample"}
    assert judge.teacher_predictions() is None
    assert judge.diagnose(Plain()) is None


def test_parameters_are_counted_once_frozen_ones_too() -> None:
    layer = nn.Linear(2, 3)
    network = nn.Sequential(layer, nn.BatchNorm1d(3), layer)
    layer.requires_grad_(False)
    assert count_parameters(network) == 6 + 3 + 3 + 3


def test_without_samples_nothing_is_judged_and_the_reason_is_kept() -> None:
    def check() -> None:
        raise MissingSamples("nobody gave any")

    judge, readings = evaluator(Plain())
    judge.source = replace(judge.source, check=check)
    assert judge.look() == judge.missing == "nobody gave any"
    assert judge.monitor(Plain()) == {} and judge.teacher_predictions() is None and judge.diagnose(Plain()) is None
    entries = judge.evaluate(Plain(), "big", "small")
    reason = {"missing": "nobody gave any"}
    assert entries["data"] == {"name": "four", "sha256": None, "count": 0, "unit": "sample"} | reason
    assert (entries["teacher"]["name"], entries["teacher"]["parameters"]) == ("big", 7)
    assert entries["student"]["agreement"] is entries["student"]["kl"] is entries["student"]["accuracy"] is None
    assert not readings


def test_samples_of_the_users_that_are_wrong_are_an_error() -> None:
    def check() -> None:
        raise UserError("of another kind")

    judge, _ = evaluator(Plain())
    judge.source = replace(judge.source, check=check)
    with pytest.raises(UserError, match="of another kind"):
        judge.look()
    assert judge.missing is None
