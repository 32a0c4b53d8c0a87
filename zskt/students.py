"""Students: small, fast networks that take a teacher's inputs.

Shapes: B jets, P particle slots, F features, C channels, K classes, N real particles of the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from teachers.particlenet import ParticleNet


def _mlp(widths: Sequence[int]) -> list[nn.Module]:
    """Linear layers, each with batch normalisation and GELU after it."""
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.BatchNorm1d(b), nn.GELU()]
    return layers


class PFN(nn.Module):
    """Particle-flow network F(mean_i phi(p_i)), with the maximum over particles beside the mean.

    P. T. Komiske, E. M. Metodiev and J. Thaler, "Energy flow networks: deep sets for particle jets",
    arXiv:1810.05165, equation 2.6. phi runs on the real particles only.

    Args:
        features: number of input features a particle.
        classes: number of classes K.
        phi: widths of the network of a single particle; the last is the size of the latent space.
        f: widths of the hidden layers of the network of the jet.
    """

    attention_layers: tuple[str, ...] = ("map",)
    """Names of the submodules whose outputs, (B, C, P), carry the attention maps."""

    def __init__(self, features: int, classes: int, phi: Sequence[int], f: Sequence[int]) -> None:
        super().__init__()
        self.phi = nn.Sequential(nn.BatchNorm1d(features), *_mlp([features, *phi]))
        # log(1 + multiplicity) is an input of F: a mean alone forgets how many particles there were.
        self.f = nn.Sequential(*_mlp([2 * phi[-1] + 1, *f]), nn.Linear(f[-1], classes))
        self.map = nn.Identity()

    def forward(self, points: Tensor, features: Tensor, mask: Tensor) -> Tensor:
        """Points (B, 2, P), unused, features (B, F, P), mask (B, 1, P) of bool -> logits (B, K)."""
        real = mask.squeeze(1)  # (B, P)
        rows = real.flatten().nonzero().squeeze(1)  # (N,) of B P slots
        x = self.phi(features.transpose(1, 2).flatten(0, 1)[rows])  # (N, C)
        dense = x.new_zeros(real.numel(), x.shape[1]).index_copy(0, rows, x).view(*real.shape, -1)  # (B, P, C)
        self.map(dense.transpose(1, 2))
        count = real.sum(1, keepdim=True)
        mean = dense.sum(1) / count.clamp(min=1)
        # Padding is zero: clamping makes the maximum the same whether a jet has any.
        logits: Tensor = self.f(torch.cat([mean, dense.amax(1).clamp(min=0), torch.log1p(count)], 1))
        return logits


@dataclass(frozen=True)
class Student:
    """An entry of the registry."""

    build: Callable[[int, int], nn.Module]
    """Number of features, number of classes -> the network."""
    line: str


STUDENTS: dict[str, Student] = {
    "pfn": Student(
        lambda features, classes: PFN(features, classes, (96, 96, 96), (96, 64)),
        "particle-flow network, at most 50 k parameters",
    ),
    "pfn-small": Student(
        lambda features, classes: PFN(features, classes, (48, 48, 48), (32,)),
        "particle-flow network, about 10 k parameters",
    ),
    "particlenet-light": Student(
        lambda features, classes: ParticleNet(features, classes, ((7, (32, 32)), (7, (64, 64))), 64),
        "ParticleNet with two narrow EdgeConv blocks, about 25 k parameters",
    ),
}


def count_parameters(network: nn.Module) -> int:
    """Trainable or frozen, each counted once; buffers are none."""
    return sum(p.numel() for p in network.parameters())
