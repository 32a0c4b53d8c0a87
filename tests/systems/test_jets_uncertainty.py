"""Uncertainty on jets: the class left out is in no training sample, and every figure of the record is measured."""

from __future__ import annotations

import math

import pytest
import torch

from zskt.__main__ import catalog
from zskt.contracts import Card
from zskt.dataset import Labelled
from zskt.jets.sample import SAMPLE
from zskt.systems import jets_uncertainty
from zskt.systems.jets_response import TEACHER
from zskt.systems.jets_uncertainty import JETS_UNCERTAINTY, LEFT_OUT, without
from zskt.systems.uncertainty import auroc, ensemble_information

JETS = 60


def few(card: Card, seed: int = 0) -> Labelled:
    sample: Labelled = card.inputs.read(SAMPLE, card.classes)
    return sample[:JETS]


def test_members_never_see_the_class_left_out() -> None:
    card = catalog().teachers[TEACHER]
    jets = few(card)
    out = card.classes.index(LEFT_OUT)
    assert (jets.labels == out).any() and not (without(jets, card).labels == out).any()
    assert len(without(jets, card)) == JETS - int((jets.labels == out).sum())


def test_information_of_members_is_what_they_differ_in() -> None:
    agree = torch.tensor([[[0.5, 0.5]], [[0.5, 0.5]]]).log()  # two members, one jet, two classes
    assert ensemble_information(agree).item() == pytest.approx(0.0, abs=1e-6)
    differ = torch.tensor([[[1 - 1e-9, 1e-9]], [[1e-9, 1 - 1e-9]]], dtype=torch.float64).log()
    assert ensemble_information(differ).item() == pytest.approx(math.log(2), abs=1e-6)


def test_auroc_is_the_probability_that_the_unknown_has_more() -> None:
    assert auroc(torch.tensor([0.0, 1.0]), torch.tensor([0.5, 2.0])) == 0.75


def test_every_figure_of_the_record_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("simulated", "judged"):
        monkeypatch.setattr(jets_uncertainty, name, few)
    for name, value in {"M": 2, "EPOCHS": 1, "ITERATIONS": 1, "STEPS": 1}.items():
        monkeypatch.setattr(jets_uncertainty, name, value)
    figures = jets_uncertainty.jets_uncertainty(0, catalog())
    assert set(figures) == set(JETS_UNCERTAINTY.published)
    assert all(0 <= value <= 1 for value in figures.values())
