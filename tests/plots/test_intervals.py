"""Intervals of shares against what is worked out in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from zskt.plots.intervals import clopper_pearson, upper_limit


def test_the_ends_are_where_the_binomial_tails_are_as_large_as_allowed() -> None:
    low, high = clopper_pearson(7, 50, level=0.9)
    assert binom.sf(6, 50, float(low)) == pytest.approx(0.05)
    assert binom.cdf(7, 50, float(high)) == pytest.approx(0.05)


def test_nothing_and_all_have_one_end_and_an_empty_bin_both() -> None:
    low, high = clopper_pearson([0, 20, 0], [20, 20, 0], level=0.95)
    assert low.tolist() == pytest.approx([0.0, 0.025 ** (1 / 20), 0.0])
    assert high.tolist() == pytest.approx([1 - 0.025 ** (1 / 20), 1.0, 1.0])


def test_the_limit_of_none_that_pass_is_the_rule_of_three() -> None:
    assert upper_limit(0, 200) == pytest.approx(1 - 0.05 ** (1 / 200))
    assert upper_limit(5, 5) == 1.0


def test_intervals_cover_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    passed = rng.binomial(30, 0.2, 4000)
    low, high = clopper_pearson(passed, np.full(4000, 30))
    assert float(((low <= 0.2) & (high >= 0.2)).mean()) >= 0.6827
