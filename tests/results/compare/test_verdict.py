"""Who is ahead beyond the spread: Welch's test and Holm's correction, against values computed by hand."""

from __future__ import annotations

import math

import pytest

from zskt.results.compare.verdict import holm, verdicts, welch


def test_welch_by_hand() -> None:
    # means 2 and 5, variances 1 and 1, n = 3: t = 3 / sqrt(2/3) = 3.674 with 4 degrees of freedom;
    # p = 1 - F(t) = 1 - (3 u - u^3) / 2 + ... in closed form for 4 degrees: u = t / sqrt(4 + t^2)
    u = math.sqrt(13.5 / 17.5)
    p = 1 - u * (3 - u**2) / 2
    assert welch([1, 2, 3], [4, 5, 6]) == pytest.approx(p, rel=1e-9)
    assert p == pytest.approx(0.0213, abs=1e-4)


def test_one_seed_has_no_spread_and_none_at_all_is_certain() -> None:
    assert welch([1.0], [2.0, 3.0]) is None
    assert welch([1.0, 1.0], [2.0, 2.0]) == 0.0 and welch([1.0, 1.0], [1.0, 1.0]) == 1.0


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0] and holm([]) == []


def test_the_best_is_compared_with_each_other_one() -> None:
    values = {"c": [0.1, 0.2], "a": [0.90, 0.91, 0.92], "b": [0.89, 0.91, 0.90], "one": [0.5], "none": []}
    found = verdicts(values)
    assert [(v.best, v.other) for v in found] == [("a", "b"), ("a", "one"), ("a", "c")]
    assert [v.words for v in found] == ["not beyond the spread", "no spread", "not beyond the spread"]
    assert found[0].difference == pytest.approx(0.01) and found[1].p is None
    far = verdicts({"a": [0.90, 0.91, 0.92], "c": [0.10, 0.11, 0.12]})
    assert far[0].beyond_spread is True and far[0].words == "ahead beyond the spread"


def test_the_smallest_divergence_is_the_best() -> None:
    (verdict,) = verdicts({"a": [2.0, 2.1], "b": [1.0, 1.1]}, lower_is_better=True)
    assert verdict.best == "b" and verdict.difference == pytest.approx(-1.0)


def test_nobody_is_ahead_alone() -> None:
    assert verdicts({"a": [1.0]}) == [] and verdicts({"a": [1.0], "b": [math.nan]}) == []


def test_the_same_mean_is_no_lead() -> None:
    for values in ({"a": [0.984], "b": [0.984]}, {"a": [0.9, 1.0], "b": [1.0, 0.9]}):
        (verdict,) = verdicts(values)
        assert verdict.words == "equal" and not verdict.beyond_spread
