"""Curves over seeds."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from zskt.results.seed_bands import draw_band, mean_curve


def test_mean_and_deviation_at_the_points_that_all_seeds_have() -> None:
    points = mean_curve([[(0, 1.0), (1, 2.0), (2, 9.0)], [(0, 3.0), (1, 2.0)]])
    assert points == [(0, 2.0, pytest.approx(2**0.5)), (1, 2.0, 0.0)]
    assert mean_curve([[(5, 1.0)]]) == [(5, 1.0, 0.0)]


def test_a_recipe_is_one_line_and_one_band() -> None:
    axes = Figure().subplots()
    draw_band(axes, [[(0, 1.0), (1, 2.0)], [(0, 3.0), (1, 4.0)]], "zskt", {"color": "k"})
    assert len(axes.lines) == 1 and len(axes.collections) == 1
    assert axes.lines[0].get_label() == "zskt, 2 seeds" and list(axes.lines[0].get_ydata()) == [2.0, 3.0]
    draw_band(axes, [[(0, 1.0)], [(1, 2.0)]], "nothing in common", {"color": "k"})
    assert len(axes.lines) == 1
