"""Pseudo-samples of point clouds, for networks that take points and a mask.

Each point has a normal number for each of its features, which the prior of vectors turns into the feature. The
adversary is a network that shifts them, and that says how probable each number of points is. That number is sampled;
it learns by the score-function gradient through `PseudoBatch.log_prob`.

Shapes: B samples, P point slots, F features, Z = P F latent variables.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from generators.vectors.features import FeaturePrior, LatentShift, divergence
from zskt.contracts import PseudoBatch
from zskt.errors import UserError
from zskt.generator import Draft, Generator
from zskt.vectors.inputs import Numbers, VectorInputs


class PointCloud(Generator):
    """z -> points and mask.

    Args:
        inputs: bounds, spreads and kinds of the features of a point.
        points: P, most points of a sample.
        min_points: fewest points of a sample.
        channels_first: whether points are (B, F, P) and masks (B, 1, P), instead of (B, P, F) and (B, P).
        hidden: width of the adversary's network.
        bound: largest shift of a latent variable, in standard deviations.
        tau: weight of the divergence from the prior, which is in nats.

    Raises:
        UserError: if the numbers of points are not 0 <= min_points <= points.
    """

    difference_step = 0.05  # in standard deviations: a smaller one would move no integer

    def __init__(
        self,
        inputs: VectorInputs,
        points: int,
        *,
        min_points: int = 1,
        channels_first: bool = False,
        hidden: int = 256,
        bound: float = 3.0,
        tau: float = 0.03,
    ) -> None:
        super().__init__()
        if not (0 <= min_points <= points and points > 0):
            raise UserError(f"from {min_points} to {points} points: give 0 <= min_points <= points")
        self.inputs, self.points, self.min_points = inputs, points, min_points
        self.channels_first, self.tau = channels_first, tau
        self.latent_size = points * inputs.size
        self.prior = FeaturePrior(inputs)
        self.n_counts = points - min_points + 1
        self.adversary = LatentShift(self.latent_size, self.latent_size + self.n_counts, hidden, bound)

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Turn z (B, Z) into points and mask; ``rng`` draws the numbers of points. Slots without a point hold 0."""
        numbers, mask, log_prob, penalty = self._moved(z, rng)
        return PseudoBatch(self._cloud(numbers, mask), log_prob=log_prob, penalty=penalty)

    def draft(self, z: Tensor, rng: torch.Generator) -> Draft:
        """Turn z (B, Z) into normal numbers (B, Z), of which the prior makes features; numbers of points stay."""
        moved, mask, log_prob, penalty = self._moved(z, rng)

        def make(numbers: Tensor, rows: Tensor) -> tuple[PseudoBatch, Tensor]:
            return PseudoBatch(self._cloud(numbers, mask[rows])), torch.arange(len(rows), device=rows.device)

        return Draft(moved, make, log_prob, penalty=penalty)

    def _moved(self, z: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Shift z (B, Z), and draw masks (B, P); both, the log probability of the latter (B,), and the penalty."""
        shift, logits = self.adversary(z).split([self.latent_size, self.n_counts], 1)
        log_probs = torch.log_softmax(logits, 1)  # (B, counts)
        choice = torch.multinomial(log_probs.detach().exp(), 1, generator=rng)  # (B, 1)
        mask = torch.arange(self.points, device=z.device) < choice + self.min_points  # (B, P)
        # KL(number of points || uniform)
        kl_counts = (log_probs.exp() * log_probs).sum(1).mean() + math.log(self.n_counts)
        penalty = self.tau * (divergence(shift) + kl_counts)
        return z + shift, mask, log_probs.gather(1, choice).squeeze(1), penalty

    def _cloud(self, numbers: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Turn normal numbers (B, Z) into points and mask as the network takes them."""
        points = self.prior(numbers.view(len(numbers), self.points, self.inputs.size)) * mask.unsqueeze(2)
        return (points.mT, mask.unsqueeze(1)) if self.channels_first else (points, mask)


def point_cloud(
    features: int,
    points: int,
    *,
    low: Numbers,
    high: Numbers,
    min_points: int = 1,
    channels_first: bool = False,
    integers: Iterable[int] = (),
    categories: Iterable[Sequence[int]] = (),
    mean: Numbers | None = None,
    std: Numbers | None = None,
    hidden: int = 256,
    bound: float = 3.0,
    tau: float = 0.03,
) -> PointCloud:
    """Build a generator for a network that is called with points (B, P, F) and a mask (B, P) of bool.

    Args:
        features: F, of each point.
        points: P, most points of a sample.
        low, high: bounds of the features, which may be infinite: a number for all, or a list, array or tensor.
        min_points, channels_first, hidden, bound, tau: as `PointCloud` has them.
        integers, categories, mean, std: as `generators.tabular` has them.

    Raises:
        UserError: if these do not fit together.
    """
    inputs = VectorInputs.from_bounds(
        low, high, integers=integers, categories=categories, mean=mean, std=std, size=features
    )
    return PointCloud(
        inputs,
        points,
        min_points=min_points,
        channels_first=channels_first,
        hidden=hidden,
        bound=bound,
        tau=tau,
    )
