"""Who judges a student: test samples, and the teacher's answers to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from teachers import AnyCard
from zskt.dataset import Labelled
from zskt.domains import Source
from zskt.experiments.config import Config
from zskt.jets.collections import ReconstructedJets
from zskt.jets.jets import Jets
from zskt.jets.metrics import TaggingComparison, compare_taggers, physics
from zskt.metrics import Predictions, answers, compare, figures
from zskt.networks.students import count_parameters


@dataclass
class Evaluator:
    """Test samples and what the teacher says of them; read when figures are first asked for, not before."""

    source: Source
    card: AnyCard
    teacher: nn.Module | None
    device: torch.device
    _data: Labelled | None = None
    _said: Predictions | None = None

    @property
    def data(self) -> Labelled:
        if self._data is None:
            self._data = self.source.read()
        return self._data

    def teacher_says(self) -> Predictions | None:
        if self._said is None and self.teacher is not None:
            self._said = answers(self.teacher, self.data, self.card.inputs, self.device)
        return self._said

    def says(self, student: nn.Module) -> Predictions:
        return answers(student, self.data, self.card.inputs, self.device)

    def physics(self, student: nn.Module) -> tuple[TaggingComparison, dict[str, Any]] | None:
        """What physicists ask, of jets and with a teacher that tells classes apart; else None."""
        teacher, samples = self.teacher_says(), self.data.samples
        if teacher is None or self.card.domain != "jets" or not self.card.classes:
            return None
        assert isinstance(samples, Jets | ReconstructedJets)
        own = self.says(student)
        found = compare_taggers(self.card.classes, samples, self.data.labels, teacher.logits, own.logits)
        return found, physics(found)

    def quick(self, student: nn.Module) -> dict[str, float | None]:
        """What is logged on the way."""
        said, teacher = self.says(student), self.teacher_says()
        found = figures("", 0, said, self.data.labels) | compare(teacher, said, self.card.values)
        return {f"test/{key}": found[key] for key in ("accuracy", "auc", "agreement", "kl")}

    def verdict(self, config: Config, student: nn.Module, name: str) -> dict[str, Any]:
        """The entries of ``result.json`` that depend on the test jets."""
        said, teacher = self.says(student), self.teacher_says()
        entry: dict[str, Any] = {"name": config.teacher, "parameters": None, "accuracy": None, "auc": None}
        if teacher is not None:
            entry = figures(config.teacher, self.card.parameters(), teacher, self.data.labels, self.source.unit)
        own = figures(name, count_parameters(student), said, self.data.labels, self.source.unit)
        own |= compare(teacher, said, self.card.values)
        source = {"name": self.source.name, "sha256": self.source.sha256(), f"{self.source.unit}s": len(self.data)}
        return {"data": source, "teacher": entry, "student": own}
