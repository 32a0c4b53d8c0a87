"""Additive networks: a sum of functions of one feature each, and of two, that can be drawn and read.

S. Tan et al., "Considerations when learning additive explanations for black-box models", arXiv:1801.08640: a network
that is the sum of shape functions h_i(x_i), learned from a teacher's answers, explains the teacher. A shape is a
piecewise-linear function with knots at quantiles of its feature; beyond them it is constant. The logits are linear in
all parameters, so that the divergence from a teacher has one minimum.

Shapes: B batch, F features, M knots, m coarse knots, O outputs, Q pairs of features.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor, nn

N_KNOTS, COARSE = 25, 6
"""M, and how many intervals of a shape are one of a pair's."""
SMOOTHNESS = 1e-5
"""Weight of the sum of squared second differences of a shape's values at its knots."""
PAIR_SMOOTHNESS = 1e-4
"""The same of the squares of a pair's values, so that what shapes can say is not said by pairs."""


class _Penalty(torch.autograd.Function):
    """The identity, whose gradient has that of a penalty beside what comes from above.

    A penalty on parameters is so part of the network, whatever loss and method train it.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (penalty,) = ctx.saved_tensors
        return gradients[0] + penalty, None


def second_difference_gradient(values: Tensor) -> Tensor:
    """Return the gradient of half the sum of squared second differences along dimension 1: (F, M, O) -> same."""
    second = values[:, 2:] - 2 * values[:, 1:-1] + values[:, :-2]
    out = torch.zeros_like(values)
    out[:, 2:] += second
    out[:, 1:-1] -= 2 * second
    out[:, :-2] += second
    return out


def quantile_knots(x: Tensor, count: int) -> Tensor:
    """Place knots at quantiles of samples (B, F): (F, count), strictly rising.

    Where a feature has few values, knots lie at these and evenly between them.
    """
    shares = torch.linspace(0, 1, count, dtype=torch.float64)
    rows = []
    for column in x.detach().double().cpu().unbind(1):
        distinct = torch.unique(torch.quantile(column, shares))
        if len(distinct) == 1:
            distinct = distinct + torch.tensor([-0.5, 0.5], dtype=torch.float64)
        position = shares * (len(distinct) - 1)
        below = position.long().clamp(max=len(distinct) - 2)
        rows.append(distinct[below] + (position - below) * (distinct[below + 1] - distinct[below]))
    return torch.stack(rows).float()


class Additive(nn.Module):
    """A sum of shape functions: features (B, F) -> outputs (B, O).

    Args:
        features: F.
        outputs: O.
        pairs: whether there is a function of each two features, too, bilinear between coarse knots.
        smoothness: weight of the second-difference penalty.
    """

    knots: Tensor
    """(F, M)"""
    is_calibrated: Tensor
    """Whether the knots lie where samples are: parameters belong to knots, which are placed once."""
    calibrates_on = "inputs"
    attention_layers: tuple[str, ...] = ()

    def __init__(
        self, features: int, outputs: int, *, pairs: bool = False, knots: int = N_KNOTS, smoothness: float = SMOOTHNESS
    ) -> None:
        super().__init__()
        self.smoothness = smoothness
        self.pairs: tuple[tuple[int, int], ...] = tuple(itertools.combinations(range(features), 2)) if pairs else ()
        self.register_buffer("knots", torch.linspace(-2, 2, knots).repeat(features, 1))
        self.register_buffer("is_calibrated", torch.tensor(False))
        self.shapes = nn.Parameter(torch.zeros(features, knots, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        coarse = (knots - 1) // COARSE + 1
        self.surfaces = nn.Parameter(torch.zeros(len(self.pairs), coarse * coarse, outputs)) if pairs else None

    @torch.no_grad()
    def calibrate(self, x: Tensor) -> None:
        """Place the knots at quantiles of samples (B, F); a network that has learned keeps them."""
        if not self.is_calibrated:
            self.knots.copy_(quantile_knots(x, self.knots.shape[1]))
            self.is_calibrated.fill_(True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, (B, O)."""
        shapes = self.shapes
        if self.training and self.smoothness:
            shapes = _Penalty.apply(shapes, 2 * self.smoothness * second_difference_gradient(shapes.detach()))
        out = self.bias + hats(x, self.knots).flatten(1) @ shapes.flatten(0, 1)
        if self.surfaces is None:
            return out
        surfaces = self.surfaces
        if self.training:
            surfaces = _Penalty.apply(surfaces, 2 * PAIR_SMOOTHNESS * surfaces.detach())
        return out + self.pair_basis(x).flatten(1) @ surfaces.flatten(0, 1)

    @property
    def coarse_knots(self) -> Tensor:
        """Knots of pairs, (F, m): some of the shapes', so that what is added to a shape from a pair is a shape."""
        return self.knots[:, ::COARSE]

    def pair_basis(self, x: Tensor) -> Tensor:
        """Return the weights of the grid points of all pairs, (B, F) -> (B, Q, m m); they sum to one."""
        coarse = hats(x, self.coarse_knots)
        first, second = (coarse[:, [pair[i] for pair in self.pairs]] for i in range(2))
        return (first.unsqueeze(3) * second.unsqueeze(2)).flatten(2)


def hats(x: Tensor, knots: Tensor) -> Tensor:
    """Return the weights of knots (F, M) in linear interpolation at x (B, F), constant beyond: (B, F, M).

    A ramp u_j rises from 0 to 1 between two knots; the weight of a knot is the difference of the ramps beside it.
    """
    ramps = ((x.unsqueeze(2) - knots[:, :-1]) / (knots[:, 1:] - knots[:, :-1])).clamp(0, 1)
    one, nothing = torch.ones_like(ramps[..., :1]), torch.zeros_like(ramps[..., :1])
    return torch.cat([one, ramps], 2) - torch.cat([ramps, nothing], 2)


def additive(inputs: Any, outputs: int, *, pairs: bool = False) -> Additive:
    """Build an additive network, its knots spread about each feature's mean until it is calibrated.

    Args:
        inputs: `zskt.vectors.inputs.VectorInputs`.
        outputs: O.
    """
    network = Additive(inputs.size, outputs, pairs=pairs)
    mean, std = torch.tensor(inputs.mean), torch.tensor(inputs.std)
    network.knots.copy_(mean.unsqueeze(1) + std.clamp(min=1e-6).unsqueeze(1) * network.knots)
    return network
