"""Numbers between two bounds whose mean and standard deviation are known: a sigmoid of a normal number.

x = low + (high - low) sigmoid(a + b u), with u ~ N(0, 1), is a logit-normal number (J. Aitchison and S. M. Shen,
"Logistic-normal distributions: some properties and uses", Biometrika 67, 1980). For each b there is an a of any mean,
and the standard deviation rises with b, from 0 to that of a coin with the bounds as its sides. An integer is rounded
from x, and the moments are those of what was rounded.

Shapes: F features, N nodes of an integral, J integers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

NODES, FARTHEST = 201, 6.0
"""Nodes of an integral over the normal distribution, and the last one in standard deviations."""
MOST_INTEGERS = 512
"""Integers between bounds up to which moments are those of the rounded numbers; of more, rounding changes none."""
SCALES = (1e-3, 1e3)
"""b of the narrowest and of the widest distribution: a constant and a coin."""
LOGISTIC_SCALE = 1.702
"""b of a uniform number, within a percent."""
HALVINGS = 40
"""Steps of a bisection."""

Moments = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""a and b, (F,) each -> mean and standard deviation of x in units of the distance of the bounds, (F,) each."""


def logit_normal(
    low: Tensor, high: Tensor, mean: Tensor, std: Tensor, *, integer: bool = False
) -> tuple[Tensor, Tensor]:
    """Find a and b by the moments of x: (F,) each of float64.

    Args:
        low, high: finite bounds, (F,), of integers those of what is rounded: 1/2 beyond the first and the last.
        mean, std: (F,); a spread of 0 is a constant. One that no number between the bounds has becomes the largest.
        integer: whether x is rounded.
    """
    width = (high - low).double()
    mean, std = (mean - low).double() / width, std.double() / width
    a, b = _solved(_of_reals, mean, std, SCALES)
    if integer and (few := width.round() <= MOST_INTEGERS).any():
        counts = width[few].round()
        # The spread of two numbers is that of their mean, whatever b is.
        scales = [torch.where(counts == 2, LOGISTIC_SCALE, scale) for scale in SCALES]
        a[few], b[few] = _solved(_of_integers(counts), mean[few], std[few], scales)
    return a, b


def _solved(moments: Moments, mean: Tensor, std: Tensor, scales: Sequence[Tensor | float]) -> tuple[Tensor, Tensor]:
    """Find the b between two, and its a."""

    def shift(scale: Tensor) -> Tensor:
        most = 50 + 10 * scale
        return _bisected(lambda a: moments(a, scale)[0] - mean, -most, most)

    ends = [torch.as_tensor(scale, dtype=mean.dtype).log().expand_as(mean) for scale in scales]
    scale = _bisected(lambda c: moments(shift(c.exp()), c.exp())[1] - std, *ends).exp()
    scale = torch.where(std > 0, scale, 0.0)
    return shift(scale), scale


def _bisected(f: Callable[[Tensor], Tensor], low: Tensor, high: Tensor) -> Tensor:
    """Find where a rising function is 0, or the end that is nearer: (F,)."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = f(middle) > 0
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    return (low + high) / 2


def _of_reals(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return the moments of x as it is, see `Moments`: a sum over evenly distant u."""
    u = torch.linspace(-FARTHEST, FARTHEST, NODES, dtype=a.dtype)
    weight = torch.softmax(-u.square() / 2, 0)
    x = torch.sigmoid(a.unsqueeze(1) + b.unsqueeze(1) * u)
    mean = x @ weight
    return mean, ((x - mean.unsqueeze(1)).square() @ weight).sqrt()


def _of_integers(counts: Tensor) -> Moments:
    """Return the moments of x rounded to one of J equally distant numbers, J of each feature: (F,)."""
    number = torch.arange(int(counts.max()), dtype=counts.dtype)
    count = counts.unsqueeze(1)
    middle = (number + 0.5) / count
    # The logit of a number's lower edge; beyond the last number there is nothing.
    edge = torch.where(number < count, torch.logit(number / count), math.inf)

    def moments(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        from_edge = torch.special.ndtr((a.unsqueeze(1) - edge) / b.clamp(min=SCALES[0]).unsqueeze(1))
        p = from_edge - torch.nn.functional.pad(from_edge[:, 1:], (0, 1))
        mean = (p * middle).sum(1)
        return mean, (p * (middle - mean.unsqueeze(1)).square()).sum(1).sqrt()

    return moments
