"""From standard normal numbers to features: the prior of vectors and point clouds, differentiable.

What has two bounds is uniform between them, or logit-normal where mean and spread are known; what has one is log-normal
beyond it, what has none is normal. Integers of which nothing else is known are equally frequent, and so are categories.
Rounding is straight-through (Y. Bengio et al., arXiv:1308.3432), and categories are a straight-through softmax of
numbers whose noise is the latent's own (as E. Jang et al., arXiv:1611.01144, with normal noise in place of Gumbel's).

Shapes: F features; any dimensions before them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from generators.vectors.logit_normal import LOGISTIC_SCALE, logit_normal
from zskt.vectors.inputs import VectorInputs
from zskt.vectors.moments import INTEGER, REAL


class FeaturePrior(nn.Module):
    """Turn normal numbers into features.

    Args:
        inputs: bounds, spreads and kinds of the features.
    """

    def __init__(self, inputs: VectorInputs) -> None:
        super().__init__()
        low, high = torch.tensor(inputs.low), torch.tensor(inputs.high)
        integer = torch.tensor([kind == INTEGER for kind in inputs.kinds])
        self.groups = tuple(inputs.groups.values())
        self.any_integer = bool(integer.any())
        # An integer is rounded from the unit of length about it, so that the first and the last are as frequent.
        low, high = torch.where(integer, low.ceil() - 0.5, low), torch.where(integer, high.floor() + 0.5, high)
        columns = {
            "low": low,
            "high": high,
            "mean": torch.tensor(inputs.mean),
            "std": torch.tensor(inputs.std),
            "integer": integer,
        }
        columns["shift"], columns["scale"] = _of_sigmoid(inputs, low, high)
        for name, column in columns.items():
            self.register_buffer(name, column, persistent=False)

    def forward(self, u: Tensor) -> Tensor:
        """(..., F) normal numbers -> (..., F) features."""
        low, high, mean, std = (self.get_buffer(name) for name in ("low", "high", "mean", "std"))
        integer, shift, scale = (self.get_buffer(name) for name in ("integer", "shift", "scale"))
        has_low, has_high = low.isfinite(), high.isfinite()
        # Infinite columns are replaced before they are used: what `where` discards must have finite gradients, too.
        # So is the distance to a bound that is not the only one: it is 0 where both are equal.
        above = torch.where(has_low & ~has_high, mean - low, 1.0)
        below = torch.where(has_high & ~has_low, high - mean, 1.0)
        width = torch.where(has_low & has_high, high - low, 1.0)
        x = mean + std * u
        x = torch.where(has_low & ~has_high, low + _log_normal(u, above, std), x)
        x = torch.where(has_high & ~has_low, high - _log_normal(-u, below, std), x)
        x = torch.where(has_low & has_high, low + width * torch.sigmoid(shift + scale * u), x)
        x = torch.maximum(torch.minimum(x, high), low)
        if self.any_integer:
            nearest = torch.minimum(torch.maximum(x.round(), low + 0.5), high - 0.5)
            x = torch.where(integer, straight_through(nearest, x), x)
        for columns in self.groups:
            x = x.index_copy(-1, torch.tensor(columns, device=u.device), _one_hot(u[..., columns]))
        return x


def _of_sigmoid(inputs: VectorInputs, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Return a and b of each feature between two bounds, (F,) each: the sigmoid is that of a + b u, u a normal number.

    Args:
        low, high: bounds, of integers those of what is rounded.
    """
    shift, scale = torch.zeros(inputs.size), torch.full((inputs.size,), LOGISTIC_SCALE)
    known = low.isfinite() & high.isfinite() & (low < high) & ~torch.tensor(inputs.uniform)
    for kind in (INTEGER, REAL):
        rows = [i for i, k in enumerate(inputs.kinds) if k == kind and known[i]]
        if rows:
            moments = (torch.tensor([values[i] for i in rows]) for values in (inputs.mean, inputs.std))
            a, b = logit_normal(low[rows], high[rows], *moments, integer=kind == INTEGER)
            shift[rows], scale[rows] = a.to(shift.dtype), b.to(scale.dtype)
    return shift, scale


def straight_through(value: Tensor, differentiable: Tensor) -> Tensor:
    """Return ``value`` exactly, with the gradient of ``differentiable``."""
    return value.detach() + (differentiable - differentiable.detach())


def _log_normal(u: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Positive numbers of this mean and standard deviation, from normal ones."""
    variance = torch.log1p((std / mean).square())
    positive: Tensor = mean * torch.exp(variance.sqrt() * u - variance / 2)
    return positive


def _one_hot(u: Tensor) -> Tensor:
    """One of K categories from K normal numbers, (..., K) -> (..., K): the largest is chosen."""
    soft = torch.softmax(u, -1)
    hard = torch.zeros_like(soft).scatter(-1, u.argmax(-1, keepdim=True), 1.0)
    return straight_through(hard, soft)


class LatentShift(nn.Module):
    """The adversary of vectors: z -> a bounded shift of normal numbers, zero before it is trained.

    Args:
        latent_size: Z.
        size: of the shift.
        hidden: width of the network.
        bound: largest shift, in standard deviations.
    """

    def __init__(self, latent_size: int, size: int, hidden: int, bound: float) -> None:
        super().__init__()
        self.bound = bound
        last = nn.Linear(hidden, size)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.network = nn.Sequential(
            nn.Linear(latent_size, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), last
        )

    def forward(self, z: Tensor) -> Tensor:
        """(B, Z) -> (B, size)."""
        return self.bound * torch.tanh(self.network(z) / self.bound)


def divergence(shift: Tensor) -> Tensor:
    """KL(N(shift, 1) || N(0, 1)) of each sample in nats, averaged over the batch: (B, ...) -> scalar."""
    return shift.flatten(1).square().sum(1).mean() / 2
