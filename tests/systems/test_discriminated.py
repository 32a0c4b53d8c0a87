"""KDGAN with few labels: every arm is measured."""

from __future__ import annotations

import pytest

from tests.systems.tiny import tiny_digits
from zskt.systems import discriminated
from zskt.systems.discriminated import KDGAN, fifty_labels


def test_every_figure_of_the_record_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discriminated, "digits", tiny_digits)
    monkeypatch.setattr(discriminated, "STEPS", 5)
    figures = fifty_labels(0, None)
    assert list(figures) == list(KDGAN.published)
    assert all(0 <= value <= 1 for value in figures.values())
