"""Deep sets: a particle-flow network of a fixed number of leading particles, without masks, as fits an FPGA.

E. A. Moreno et al., arXiv:1908.05318, and the deep sets of P. Odagiu et al., arXiv:2402.01876, for level-1 triggers.

Shapes: B jets, C variables, P particle slots, of which the network reads the first N, K + R outputs.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Self

from torch import Tensor, nn

from zskt.jets.object_collections import ObjectCollection
from zskt.networks.folding import folded
from zskt.networks.mlp import hidden_layers

N_LEADING = 16
"""Number of particles that the network reads, N."""


class DeepSets(nn.Module):
    """F(mean_i phi(p_i)), i over the N leading slots; padding is particles of zeros, and phi learns what they are.

    Args:
        collections: the collections of the teacher's inputs; the network reads the largest collection of objects.
        outputs: K + R.
        phi, f: widths.
    """

    attention_layers: tuple[str, ...] = ()

    def __init__(
        self,
        collections: Sequence[ObjectCollection],
        outputs: int,
        phi: Sequence[int] = (32, 32),
        f: Sequence[int] = (32,),
    ) -> None:
        super().__init__()
        self.collection = max((c for c in collections if not c.of_jet), key=lambda c: c.max_length)
        variables = self.collection.variables
        self.input_norm: nn.Module = nn.BatchNorm1d(variables)
        self.phi = nn.Sequential(*hidden_layers([variables, *phi], product=partial(nn.Conv1d, kernel_size=1)))
        self.pool = nn.AvgPool1d(N_LEADING)
        self.f = nn.Sequential(nn.Flatten(), *hidden_layers([phi[-1], *f]), nn.Linear(f[-1], outputs))

    def leading(self, *x: Tensor) -> Tensor:
        """Select the leading particles from the teacher's inputs: (B, C, N), padded with zeros where P is smaller."""
        features = self.collection.read(x)[..., :N_LEADING]
        return nn.functional.pad(features, (0, N_LEADING - features.shape[-1]))

    def forward(self, *x: Tensor) -> Tensor:
        """The teacher's inputs -> (B, K + R)."""
        outputs: Tensor = self.f(self.pool(self.phi(self.input_norm(self.leading(*x)))))
        return outputs

    def folded(self) -> Self:
        """Return a frozen copy, in evaluation mode, without normalisations."""
        network = copy.deepcopy(self).eval().requires_grad_(False)
        network.input_norm = nn.Identity()
        network.phi, network.f = folded([self.input_norm, *self.phi]), folded(self.f)
        return network

    def unpacked(self) -> Self:
        """Return the form for export, which is the `folded` one: there are no rows to unpack."""
        return self.folded()

    def core(self) -> nn.Sequential:
        """Return what comes after `leading` in a `folded` network, as plain layers: (B, C, N) -> (B, K + R)."""
        return nn.Sequential(*self.phi, self.pool, *self.f)
