"""Additive students beside boosting: what each is given, and what is said where interpret-core is not installed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import teachers
from zskt.__main__ import catalog
from zskt.dataset import Labelled
from zskt.errors import UserError
from zskt.jets.sample import SAMPLE
from zskt.systems import additive_yardstick
from zskt.systems.additive_yardstick import ADDITIVE_YARDSTICK, breast_cancer, jets


def test_what_explains_jets_is_judged_on_jets_that_nothing_learned_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    card = teachers.TEACHERS["zskt-particlenet"]
    sample: Labelled = card.inputs.read(SAMPLE, card.classes)
    some, test = sample[torch.arange(0, 128)], sample[torch.arange(1000, 1200)]
    given: list[Tensor] = []

    def as_the_teacher(x: Tensor, logits: Tensor, other: Tensor, seed: int) -> Tensor:
        given.extend((x, logits, other))
        with torch.no_grad():
            return card.load()(*card.inputs(test.samples)).double()

    monkeypatch.setattr(additive_yardstick, "halves", lambda card: (some, test))
    monkeypatch.setattr(additive_yardstick, "_boosted", as_the_teacher)
    for name, count in {"ITERATIONS": 2, "STEPS": 2}.items():
        monkeypatch.setattr(additive_yardstick, name, count)
    figures = jets(0, catalog())
    x, logits, other = given
    assert x.shape[0] == len(logits) == 128 and other.shape == (200, x.shape[1]) and logits.shape[1] == 10
    assert figures["jets, EBM from 1 000 jets: explained"] == pytest.approx(1.0)
    assert figures["jets, EBM from 1 000 jets: agreement"] == 1.0
    assert -1 < figures["jets, additive without data: explained"] < 0.9
    assert set(figures) < set(ADDITIVE_YARDSTICK.published)


def test_without_boosting_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(additive_yardstick, "import_module", missing)
    with pytest.raises(UserError, match="pip install interpret-core"):
        breast_cancer(0)
