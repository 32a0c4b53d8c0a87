"""Markdown tables and the numbers in them."""

from __future__ import annotations

import pytest

from zskt.markdown import integer, mean_and_deviation, table


def test_a_table_has_a_head_a_rule_and_rows() -> None:
    assert table(("a", "b"), [["1", "2"], ["3", "–"]]) == "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | – |"


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (999, "999"), (1000, "1 000"), (1200640, "1 200 640")])
def test_integers_are_grouped(value: int, text: str) -> None:
    assert integer(value) == text


def test_the_deviation_is_that_of_a_sample() -> None:
    assert mean_and_deviation([0.5, 0.6, 0.7]) == "0.6000 ± 0.1000"
    assert mean_and_deviation([0.25]) == "0.2500"
    assert mean_and_deviation([0.5, 0.7], scale=100, digits=1) == "60.0 ± 14.1"
