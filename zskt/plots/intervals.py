"""Confidence intervals of shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta

LEVEL = 0.6827
"""Confidence of intervals that stand for one standard deviation."""
LIMIT_LEVEL = 0.95
"""Confidence of limits."""

Array = NDArray[np.float64]


def clopper_pearson(passed: ArrayLike, total: ArrayLike, level: float = LEVEL) -> tuple[Array, Array]:
    """Compute central intervals of shares, which cover the true share at least as often as they say.

    C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404.

    Args:
        passed, total: counts, of one shape.

    Returns:
        lower and upper ends; 0 and 1 where the total is 0.
    """
    k, n = np.asarray(passed, float), np.asarray(total, float)
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(k > 0, beta.ppf(tail, k, n - k + 1), 0.0)
        high = np.where(k < n, beta.ppf(1 - tail, k + 1, n - k), 1.0)
    return np.where(n > 0, low, 0.0), np.where(n > 0, high, 1.0)


def upper_limit(passed: int, total: int, level: float = LIMIT_LEVEL) -> float:
    """Compute the one-sided Clopper-Pearson limit below which a share is."""
    return 1.0 if passed >= total else float(beta.ppf(level, passed + 1, total - passed))
