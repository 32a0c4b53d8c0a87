"""Pseudo-samples of F numbers, for any network on vectors: bounded, spread, and moved by an adversary.

z has a normal number for each feature. The prior turns each into its feature (`generators.vectors.features`). The
adversary is a network that shifts z; it starts at zero, and pays for leaving the prior.

Shapes: B samples, F features, Z = F latent variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from generators.vectors.features import FeaturePrior, LatentShift, divergence
from zskt.contracts import PseudoBatch
from zskt.generator import Draft, Generator
from zskt.vectors.inputs import Numbers, VectorInputs


class Tabular(Generator):
    """z -> pseudo-samples within their bounds.

    Args:
        inputs: bounds, spreads and kinds of the features.
        adversarial: False leaves the pure prior, which has nothing to learn.
        hidden: width of the adversary's network.
        bound: largest shift of a latent variable, in standard deviations.
        tau: weight of the divergence from the prior, which is in nats.
    """

    difference_step = 0.05  # in standard deviations: a smaller one would move no integer

    def __init__(
        self,
        inputs: VectorInputs,
        *,
        adversarial: bool = True,
        hidden: int = 128,
        bound: float = 3.0,
        tau: float = 0.03,
    ) -> None:
        super().__init__()
        self.inputs, self.tau = inputs, tau
        self.latent_size = inputs.size
        self.prior = FeaturePrior(inputs)
        self.adversary = LatentShift(inputs.size, inputs.size, hidden, bound) if adversarial else None

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Turn z (B, Z) into x (B, F); nothing else is drawn."""
        if self.adversary is None:
            return PseudoBatch((self.prior(z),))
        shift = self.adversary(self.of_class(z, labels))
        return PseudoBatch((self.prior(z + shift),), penalty=self.tau * divergence(shift))

    def draft(self, z: Tensor, rng: torch.Generator) -> Draft:
        """Turn z (B, Z) into normal numbers (B, F), of which the prior makes features."""

        def make(numbers: Tensor, rows: Tensor) -> tuple[PseudoBatch, Tensor]:
            return PseudoBatch((self.prior(numbers),)), torch.arange(len(rows), device=rows.device)

        if self.adversary is None:
            return Draft(z, make)
        shift = self.adversary(z)
        return Draft(z + shift, make, penalty=self.tau * divergence(shift))


def tabular(
    low: Numbers,
    high: Numbers,
    *,
    integers: Iterable[int] = (),
    categories: Iterable[Sequence[int]] = (),
    mean: Numbers | None = None,
    std: Numbers | None = None,
    size: int | None = None,
    adversarial: bool = True,
    hidden: int = 128,
    bound: float = 3.0,
    tau: float = 0.03,
) -> Tabular:
    """Build a generator for a network on (B, F) numbers.

    Args:
        low, high: bounds of the features, which may be infinite: a number for all, or a list, array or tensor.
        integers: columns that hold integers.
        categories: one-hot groups, each a sequence of columns, ``[(3, 4, 5)]``.
        mean, std: of the features, nan where they are not known. They matter: a network that was trained on a feature
            which is seldom far from 0 has learned nothing about even numbers between its bounds.
        size: F, where all bounds are single numbers.
        adversarial, hidden, bound, tau: as `Tabular` has them.

    Raises:
        UserError: if these do not fit together.
    """
    inputs = VectorInputs.from_bounds(
        low, high, integers=integers, categories=categories, mean=mean, std=std, size=size
    )
    return Tabular(inputs, adversarial=adversarial, hidden=hidden, bound=bound, tau=tau)
