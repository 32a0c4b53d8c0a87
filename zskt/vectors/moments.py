"""Kinds of single features, and which means and spreads they can have between their bounds."""

from __future__ import annotations

import math

from zskt.errors import UserError

REAL, INTEGER, CATEGORY = "real", "integer", "category:"
"""Kinds of features. The columns of a one-hot group share the kind "category:" and the name of the group."""

ROUNDING = 1e-6
"""How much larger than the largest a spread may be, relatively: files are written in 32 bits."""
WIDEST = 0.75
"""Share of the largest spread up to which that of most features is believed; that of a uniform number is 0.58."""
COIN = 1.05
"""The same of a feature of two values, whose spread is the largest; few samples have a little more."""


def largest_spread(low: float, high: float, mean: float) -> float:
    """Return that of a coin with both bounds as its sides (R. Bhatia and C. Davis, Am. Math. Monthly 107, 2000).

    Beyond one bound alone there is no largest one.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return math.inf
    return math.sqrt(max(0.0, mean - low)) * math.sqrt(max(0.0, high - mean))


def uniform_moments(low: float, high: float) -> tuple[float, float]:
    """Return mean and standard deviation of a uniform number."""
    return low + (high - low) / 2, (high - low) / math.sqrt(12)


def filled_moments(low: float, high: float, mean: float, std: float) -> tuple[float, float]:
    """Fill in what is nan: those of a uniform distribution between two bounds, else one spread from the bound."""
    if math.isfinite(low) and math.isfinite(high):
        middle, spread = uniform_moments(low, high)
        if math.isnan(mean) or math.isnan(std):  # one alone is a number for all features, of which others lack a bound
            return middle, spread
    else:
        spread = 1.0 if math.isnan(std) else std
        middle = low + spread if math.isfinite(low) else high - spread if math.isfinite(high) else 0.0
    return middle if math.isnan(mean) else mean, spread if math.isnan(std) else std


def told_moments(
    kind: str, low: float, high: float, mean: float, std: float, widest: float
) -> tuple[float, float] | None:
    """Return mean and standard deviation as a network tells them; None if no feature within the bounds has these."""
    if not low <= mean <= high or not std > 0:
        return None
    if mean in (low, high):
        is_constant = std == 1 and math.isfinite(low) and math.isfinite(high) and max(-low, high) > 1
        return (mean, 0.0) if is_constant else None
    largest = largest_spread(low, high, mean)
    if kind == INTEGER and high - low == 1:  # a coin: its spread is that of its mean
        return (mean, min(std, largest)) if std <= COIN * largest else None
    return (mean, std) if std <= widest * largest else None


def require_possible(name: str, low: float, high: float, mean: float, std: float, kind: str) -> None:
    """Raise a `UserError` if a feature cannot be."""
    if math.isnan(low) or math.isnan(high) or low > high or low == math.inf or high == -math.inf:
        raise UserError(f"{name}: bounds {low:g} and {high:g}; give a lower bound that is not above the upper one")
    if kind not in (REAL, INTEGER) and not kind.startswith(CATEGORY):
        raise UserError(f"{name}: kind {kind!r}; give {REAL!r}, {INTEGER!r}, or {CATEGORY!r} and a name")
    if kind == INTEGER and math.isfinite(low) and math.isfinite(high) and math.ceil(low) > math.floor(high):
        raise UserError(f"{name}: no integer lies between {low:g} and {high:g}; give bounds that hold one")
    if not (math.isfinite(mean) and low <= mean <= high):
        raise UserError(f"{name}: mean {mean:g} lies outside its bounds {low:g} and {high:g}; give one inside")
    between = math.isfinite(low) and math.isfinite(high)
    if not (math.isfinite(std) and std >= 0) or (std == 0 and not between):
        raise UserError(f"{name}: spread {std:g}; give a positive one")
    if between and std > (largest := largest_spread(low, high, mean)) * (1 + ROUNDING):
        raise UserError(
            f"{name}: spread {std:g}, but no number from {low:g} to {high:g} with the mean {mean:g} has more than "
            f"{largest:g}; give mean and std of the feature as the network takes it"
        )
    if (math.isinf(low) != math.isinf(high)) and mean in (low, high):
        raise UserError(f"{name}: mean {mean:g} lies on its only bound; give one beyond it")
