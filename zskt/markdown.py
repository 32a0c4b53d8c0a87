"""Markdown tables, and how numbers are written in them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

NO_VALUE = "–"
"""Stands in a cell that has no value."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table of a head and rows of as many cells."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def integer(value: int) -> str:
    """Write an integer with a space between groups of three digits."""
    return f"{value:,}".replace(",", " ")


def in_minutes(seconds: float) -> str:
    """Write a time in minutes, with one digit behind the point; of less than a minute, with two."""
    minutes = seconds / 60
    return f"{minutes:.1f}" if minutes >= 1 else f"{minutes:.2f}"


def mean_and_deviation(values: Sequence[float], scale: float = 1.0, digits: int = 4) -> str:
    """Write mean ± standard deviation of a sample (n - 1); a single value has no deviation."""
    scaled = [scale * value for value in values]
    mean = f"{statistics.fmean(scaled):.{digits}f}"
    return mean if len(scaled) == 1 else f"{mean} ± {statistics.stdev(scaled):.{digits}f}"
