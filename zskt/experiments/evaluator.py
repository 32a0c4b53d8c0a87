"""The evaluator of a student: test samples, and the teacher's answers to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from zskt.contracts import Card
from zskt.dataset import Labelled
from zskt.domains import DOMAINS, Diagnosis, Source
from zskt.ensemble import Ensemble
from zskt.errors import MissingSamples
from zskt.experiments.result import BY_LABEL
from zskt.metrics import Predictions, compare, network_metrics, predict
from zskt.networks.students import count_parameters

MONITORED = ("accuracy", "auc", "agreement", "kl")
"""Metrics that are logged during a run."""


@dataclass
class Evaluator:
    """Test samples and the teacher's predictions; read when metrics are first asked for, not before."""

    source: Source
    card: Card
    teacher: nn.Module | None
    device: torch.device
    missing: str | None = None
    """Why there are no test samples, once `look` has found none: nothing is judged then."""
    _data: Labelled | None = field(default=None, repr=False)
    _teacher_predictions: Predictions | None = field(default=None, repr=False)
    _teacher_figures: dict[str, float] | None = field(default=None, repr=False)

    @property
    def members(self) -> int:
        """M, networks that are the teacher together."""
        return len(self.teacher.networks) if isinstance(self.teacher, Ensemble) else 1

    def teacher_parameters(self) -> int:
        """Count the parameters of the teacher's files."""
        return self.teacher.published if isinstance(self.teacher, Ensemble) else self.card.parameters()

    def look(self) -> str | None:
        """See whether the test samples can be read; the same as `missing`.

        Raises:
            UserError: if samples that the user gave are not those that the network takes.
        """
        try:
            self.source.check()
        except MissingSamples as error:
            self.missing = str(error)
        return self.missing

    @property
    def data(self) -> Labelled:
        """The test samples."""
        if self._data is None:
            self._data = self.source.read()
        return self._data

    def predict(self, network: nn.Module) -> Predictions:
        """Run a network on the test samples."""
        return predict(network, self.data, self.card.inputs, self.device)

    def teacher_predictions(self) -> Predictions | None:
        """Run the teacher on the test samples, once; None where there is no teacher, or no sample."""
        if self._teacher_predictions is None and self.teacher is not None and self.missing is None:
            self._teacher_predictions = self.predict(self.teacher)
        return self._teacher_predictions

    def diagnose(self, student: nn.Module) -> Diagnosis | None:
        """Measure what the people of the domain ask for; None where the domain or the teacher has nothing."""
        diagnose, teacher = DOMAINS[self.card.domain].diagnose, self.teacher_predictions()
        if teacher is None or diagnose is None:
            return None
        return diagnose(self.card, self.data, teacher.logits, self.predict(student).logits)

    def monitor(self, student: nn.Module) -> dict[str, float | None]:
        """Return the metrics that are logged during a run; none where there are no test samples."""
        if self.missing is not None:
            return {}
        predictions, teacher = self.predict(student), self.teacher_predictions()
        metrics = network_metrics("", 0, predictions, self.data.labels)
        metrics |= compare(teacher, predictions, self.card.values, self.card.gaussians)
        return {f"test/{name}": metrics[name] for name in MONITORED}

    def teacher_figures(self) -> dict[str, float]:
        """Return accuracy and AUC of the teacher, which a student's curves are drawn beside; what it has of them."""
        teacher = self.teacher_predictions()
        if self._teacher_figures is None:
            entry = {} if teacher is None else network_metrics("", 0, teacher, self.data.labels)
            figures = {f"test/teacher_{name}": entry.get(name) for name in ("accuracy", "auc")}
            self._teacher_figures = {name: value for name, value in figures.items() if value is not None}
        return self._teacher_figures

    def evaluate(self, student: nn.Module, teacher_name: str, student_name: str) -> dict[str, Any]:
        """Return the entries of ``result.json`` that depend on the test samples: "data", "teacher", "student"."""
        if self.missing is not None:
            return self._unjudged(student, teacher_name, student_name)
        predictions, teacher = self.predict(student), self.teacher_predictions()
        labels, source = self.data.labels, self.source
        teacher_entry: dict[str, Any] = {"name": teacher_name, "parameters": None, "accuracy": None, "auc": None}
        if teacher is not None:
            teacher_entry = network_metrics(teacher_name, self.teacher_parameters(), teacher, labels)
        student_entry = network_metrics(student_name, count_parameters(student), predictions, labels)
        student_entry |= compare(teacher, predictions, self.card.values, self.card.gaussians)
        data = {"name": source.name, "sha256": source.sha256(), "count": len(self.data), "unit": source.unit}
        labelled = int((labels >= 0).sum())
        if labelled < len(self.data):
            data["labelled"] = labelled
        if self.card.bernoulli:
            data["counted"] = BY_LABEL
        return {"data": data, "teacher": teacher_entry, "student": student_entry}

    def _unjudged(self, student: nn.Module, teacher_name: str, student_name: str) -> dict[str, Any]:
        """Return the same entries as `evaluate` with nulls, and why."""
        figures = dict.fromkeys(("accuracy", "auc", "ece", "ms_per_sample"))
        data = {"name": self.source.name, "sha256": None, "count": 0, "unit": self.source.unit}
        parameters = None if self.teacher is None else self.teacher_parameters()
        scores = {"name": student_name, "parameters": count_parameters(student), "agreement": None, "kl": None}
        return {
            "data": data | {"missing": self.missing},
            "teacher": {"name": teacher_name, "parameters": parameters} | figures,
            "student": scores | figures,
        }
