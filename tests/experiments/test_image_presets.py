"""Presets for images."""

from __future__ import annotations

from teachers import TEACHERS
from zskt.experiments.presets import PRESETS


def test_the_papers_attention_match_is_worth_as_much_whatever_the_number_of_classes() -> None:
    pairs = [config for name, config in PRESETS.items() if name.endswith("-paper")]
    assert {config.beta / len(TEACHERS[config.teacher].classes) for config in pairs} == {250.0}
    assert {len(TEACHERS[config.teacher].classes) for config in pairs} == {10, 100}
