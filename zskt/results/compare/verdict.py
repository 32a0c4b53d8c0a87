"""Who is ahead of whom beyond the spread over seeds: Welch's test of two means, with Holm's correction.

B. L. Welch, Biometrika 34 (1947) 28; S. Holm, Scandinavian Journal of Statistics 6 (1979) 65.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy import stats

LEVEL = 0.05
"""A difference is beyond the spread where the corrected p is below this."""
RULE = (
    "A method is ahead beyond the spread where Welch's two-sided test of the two means over seeds gives p < 0.05, "
    "multiplied as Holm does for the number of methods that are compared with the best one. A single seed has no "
    "spread, and nothing is said of it."
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The best entrant of a figure beside another one."""

    best: str
    other: str
    difference: float
    """Mean of the best minus mean of the other, in the figure's own unit and sign."""
    p: float | None
    """Corrected probability of such a difference by chance; None where one of the two has a single seed."""

    @property
    def beyond_spread(self) -> bool | None:
        """Whether the best one is ahead beyond the spread; None where there is no spread."""
        return None if self.p is None else self.p < LEVEL

    @property
    def words(self) -> str:
        """Say it."""
        if not self.difference:
            return "equal"
        return {None: "no spread", True: "ahead beyond the spread", False: "not beyond the spread"}[self.beyond_spread]


def welch(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return the two-sided p of Welch's test of the means of two samples; None where one has a single value.

    Samples without any spread differ for certain, or not at all.
    """
    if min(len(first), len(second)) < 2:
        return None
    if statistics.variance(first) == statistics.variance(second) == 0:
        return 0.0 if first[0] != second[0] else 1.0
    (m, s, n), (m2, s2, n2) = ((statistics.fmean(x), statistics.stdev(x), len(x)) for x in (first, second))
    return float(stats.ttest_ind_from_stats(m, s, n, m2, s2, n2, equal_var=False).pvalue)


def holm(probabilities: Sequence[float]) -> list[float]:
    """Correct probabilities for their number, by Holm's step-down rule."""
    corrected, largest = [0.0] * len(probabilities), 0.0
    for rank, i in enumerate(sorted(range(len(probabilities)), key=lambda i: probabilities[i])):
        largest = max(largest, min((len(probabilities) - rank) * probabilities[i], 1.0))
        corrected[i] = largest
    return corrected


def verdicts(values: Mapping[str, Sequence[float]], *, lower_is_better: bool = False) -> list[Verdict]:
    """Compare the best entrant with each other one, from the best on.

    Args:
        values: entrant -> a figure, a value a seed; entrants without values are left out.
    """
    means = {name: statistics.fmean(several) for name, several in values.items() if several}
    order = sorted(means, key=lambda name: means[name] * (1 if lower_is_better else -1))
    if len(order) < 2 or not all(map(math.isfinite, means.values())):
        return []
    best, *others = order
    chances = {other: welch(values[best], values[other]) for other in others}
    known = {other: p for other, p in chances.items() if p is not None}
    corrected = dict(zip(known, holm(list(known.values())), strict=True))
    return [
        Verdict(best=best, other=other, difference=means[best] - means[other], p=corrected.get(other))
        for other in others
    ]
