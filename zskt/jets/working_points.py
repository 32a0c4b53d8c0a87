"""Efficiency and background rejection at one working point, against momentum, pseudorapidity and multiplicity.

The cut is one number for each network and signal: what passes half of all of the signal's jets.

Shapes: B jets, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zskt.jets.metrics import (
    CUT_EFFICIENCY,
    MIN_JETS,
    Array,
    Flags,
    TaggingComparison,
    inside_slices,
    rounded_up,
    slice_edges,
)
from zskt.plots.intervals import clopper_pearson


@dataclass(frozen=True)
class Share:
    """A share in each of some bins, with its Clopper-Pearson interval."""

    passed: Array
    total: Array

    @property
    def value(self) -> Array:
        """Shares; NaN in empty bins."""
        with np.errstate(invalid="ignore"):
            share: Array = self.passed / self.total
        return share

    @property
    def interval(self) -> tuple[Array, Array]:
        """Lower and upper ends."""
        return clopper_pearson(self.passed, self.total)


@dataclass(frozen=True)
class SlicedCut:
    """A signal's cut in bins of a quantity: what passes of signal and background, by network."""

    signal: int
    quantity: str
    edges: Array
    efficiency: dict[str, Share]
    mistag: dict[str, Share] | None
    """Of the background; None where it is too small."""
    needed: int
    """Background jets that would do, about; 0 where there are enough."""


def sliced_cuts(j: TaggingComparison, quantity: str) -> Iterator[SlicedCut]:
    """Yield the cut of each signal that has `MIN_JETS` in every bin.

    Args:
        quantity: one of `QUANTITIES`.
    """
    value = j.kinematics[quantity]
    edges = slice_edges(value)
    bins = inside_slices(value, edges)
    for k in j.signals:
        is_signal, is_background = j.is_signal(k), j.is_background(k)
        if not bins or min(int((is_signal & inside).sum()) for inside in bins) < MIN_JETS or not is_background.any():
            continue
        passes = {
            role: _passes(j.score(p, k), is_signal) for role, p in (("teacher", j.teacher), ("student", j.student))
        }
        efficiency = {role: _share(flags, is_signal, bins) for role, flags in passes.items()}
        mistag = {role: _share(flags, is_background, bins) for role, flags in passes.items()}
        fewest = min(float(share.passed.min()) for share in mistag.values())
        total = min(float(share.passed.sum()) for share in mistag.values())
        needed = (
            0
            if fewest >= 1 and total >= MIN_JETS * len(bins)
            else rounded_up(1.5 * MIN_JETS * len(bins) * float(is_background.sum()) / max(total, 1.0))
        )
        yield SlicedCut(k, quantity, edges, efficiency, None if needed else mistag, needed)


def _passes(score: Array, is_signal: Flags) -> Flags:
    flags: Flags = score >= np.quantile(score[is_signal], 1 - CUT_EFFICIENCY)
    return flags


def _share(passes: Flags, chosen: Flags, bins: list[Flags]) -> Share:
    counts = [((passes & chosen & inside).sum(), (chosen & inside).sum()) for inside in bins]
    passed, total = np.array(counts, float).T
    return Share(passed, total)
