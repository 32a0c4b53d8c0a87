"""Paired differences against the normal approximation, and figures of single samples by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zskt.results.paired_bootstrap import paired_difference, per_sample


def test_the_interval_is_that_of_a_mean() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(0, 5, 4000)
    shift = 0.1 + rng.normal(0, 1, 4000)
    found = paired_difference(base + shift, base)
    width = 1.96 * shift.std(ddof=1) / 4000**0.5  # the spread of the samples themselves is not in it
    assert found.value == pytest.approx(shift.mean())
    assert found.high - found.low == pytest.approx(2 * width, rel=0.05)
    assert found.is_beyond_zero and paired_difference(base + shift, base) == found


def test_equal_students_do_not_differ() -> None:
    same = paired_difference(np.ones(10), np.ones(10))
    assert (same.value, same.low, same.high, same.is_beyond_zero) == (0.0, 0.0, 0.0, False)


def test_figures_of_single_samples_are_means_over_seeds() -> None:
    teacher = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
    other = teacher.flip(1)
    figures = per_sample(teacher, [teacher, other], torch.tensor([0, 0, -1]))
    assert figures["agreement"].tolist() == [0.5, 0.5, 0.5]
    assert figures["accuracy"].tolist() == [0.5, 0.5]
    p = 1 / (1 + np.exp(-2.0))
    kl = p * 2 + (1 - p) * -2
    assert figures["kl"].tolist() == pytest.approx([kl / 2] * 3)
    assert "accuracy" not in per_sample(teacher, [teacher], torch.full((3,), -1))
