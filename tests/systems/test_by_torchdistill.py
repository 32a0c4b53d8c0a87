"""torchdistill's KD and ours: the same loss; what is said where it is not installed."""

from __future__ import annotations

import importlib

import pytest
import torch
from torch import nn

from tests.systems.tiny import tiny_digits
from zskt.errors import UserError
from zskt.forward import Output
from zskt.methods.supervised import SupervisedConfig, supervised_terms
from zskt.systems import by_torchdistill
from zskt.systems.by_torchdistill import TEMPERATURE, TORCHDISTILL, both, configuration, through_torchdistill
from zskt.terms import student_loss
from zskt.terms.term import Term


def test_the_losses_are_the_same() -> None:
    mid_level = pytest.importorskip("torchdistill.losses.mid_level")
    rng = torch.Generator().manual_seed(0)
    t, s = (torch.randn(6, 10, generator=rng) for _ in range(2))
    labels = torch.arange(6)
    sub_terms = configuration(1)["criterion"]["kwargs"]["sub_terms"]
    theirs = mid_level.KDLoss(**sub_terms["kd"]["criterion"]["kwargs"])
    loss = theirs({".": {"output": s}}, {".": {"output": t}}, labels)
    terms: list[Term] = supervised_terms(SupervisedConfig(kd_fraction=0.9, temperature=TEMPERATURE), has_teacher=True)
    assert torch.allclose(loss, student_loss(terms, Output(t, {"labels": labels}), Output(s)), rtol=1e-6)


def test_both_ways_measure_every_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torchdistill")
    monkeypatch.setattr(by_torchdistill, "digits", tiny_digits)
    for name, count in (("EPOCHS", 2), ("OF_TEACHER", 200), ("LABELLED", 100)):
        monkeypatch.setattr(by_torchdistill, name, count)
    assert set(both(0, None)) == set(TORCHDISTILL.published)


def test_without_torchdistill_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(by_torchdistill, "import_module", missing)
    with pytest.raises(UserError, match="pip install torchdistill"):
        through_torchdistill(nn.Linear(2, 2), nn.Linear(2, 2), torch.zeros(4, 2), torch.zeros(4, dtype=torch.long))
    assert importlib.import_module("zskt.systems.by_torchdistill").LABELLED == 1000
