"""Particle-flow networks: a network of each particle, permutation-invariant sums over them, a network of the jet.

P. T. Komiske, E. M. Metodiev and J. Thaler, "Energy flow networks: deep sets for particle jets", arXiv:1810.05165,
equation 2.6.

Shapes: B jets, P entries of a collection, C channels, K classes, R regressed values, N real entries of the batch.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from zskt.jets.object_collections import ObjectCollection
from zskt.networks.folding import as_convolutions, folded
from zskt.networks.highway import Highway
from zskt.networks.mlp import hidden_layers
from zskt.networks.rows import MaskedChannels, Rows

MAX_SMALL_COLLECTION = 20
"""Entries of a collection up to which its network has the smaller widths."""


class ParticleFlow(nn.Module):
    """F(mean, maximum and log multiplicity of phi(p_i), for each collection; variables of the jet).

    The mean alone forgets how many particles there were. phi runs on the real entries only.

    Args:
        collections: the collections of the teacher's inputs.
        outputs: K + R.
        phi: widths of the network of an entry; the last is the size of the latent space.
        f: widths of the hidden layers of the network of the jet.
        phi_small: widths of the network of an entry in collections of few entries; None takes ``phi``.
        activation: of all hidden layers.
        single_cloud: there is one collection; its network is `phi` itself, and its outputs carry an attention map.
        highway: number of tied highway layers behind the hidden layers of phi, all of the latent size.
    """

    attention_layers: tuple[str, ...]
    """Names of the submodules whose outputs, (B, C, P), carry the attention maps."""

    def __init__(
        self,
        collections: Sequence[ObjectCollection],
        outputs: int,
        phi: Sequence[int],
        f: Sequence[int],
        *,
        phi_small: Sequence[int] | None = None,
        activation: Callable[[], nn.Module] = nn.ReLU,
        single_cloud: bool = False,
        highway: int = 0,
    ) -> None:
        super().__init__()
        self.collections = tuple(collections)
        self.rows: type[Rows] = Rows
        clouds = [c for c in self.collections if not c.of_jet]
        widths = [phi if phi_small is None or c.max_length > MAX_SMALL_COLLECTION else phi_small for c in clouds]
        networks = [
            nn.Sequential(
                nn.BatchNorm1d(c.variables),
                *hidden_layers([c.variables, *w], activation),
                *([Highway(w[-1], highway)] if highway else []),
            )
            for c, w in zip(clouds, widths, strict=True)
        ]
        self.phi: nn.Module = networks[0] if single_cloud else nn.ModuleList(networks)
        variables = sum(c.variables for c in self.collections if c.of_jet)
        self.jet = nn.BatchNorm1d(variables) if variables else None
        summary = sum(2 * w[-1] + 1 for w in widths) + variables
        self.f = nn.Sequential(*hidden_layers([summary, *f], activation), nn.Linear(f[-1], outputs))
        self.map = nn.Identity()
        self.attention_layers = ("map",) if single_cloud else ()

    @property
    def networks(self) -> list[nn.Module]:
        """The network of an entry, of each collection of objects."""
        return list(self.phi) if isinstance(self.phi, nn.ModuleList) else [self.phi]

    def forward(self, *x: Tensor) -> Tensor:
        """The teacher's inputs, (B, C, P) each -> (B, K + R)."""
        networks, summaries, jet = iter(self.networks), [], []
        for collection in self.collections:
            features = collection.read(x)
            if collection.of_jet:
                jet.append(features[..., 0])
                continue
            rows = self.rows(collection.real(x, features))
            entries = _evaluate(next(networks), rows.of(features))
            if self.map._forward_hooks:
                self.map(rows.channels(entries))  # (B, C, P)
            summaries += [*rows.mean_and_maximum(entries), torch.log1p(rows.count)]
        if self.jet is not None:
            summaries.append(self.jet(torch.cat(jet, 1)))
        outputs: Tensor = self.f(torch.cat(summaries, 1))
        return outputs

    def unpacked(self) -> Self:
        """Return a copy for export: normalisations folded, 1 x 1 convolutions over all slots, padding masked."""
        form = copy.deepcopy(self).eval().requires_grad_(False)
        networks = [as_convolutions(folded(network.children())) for network in self.networks]
        form.phi = nn.ModuleList(networks) if isinstance(self.phi, nn.ModuleList) else networks[0]
        form.f, form.rows = folded(self.f), MaskedChannels
        return form


def _evaluate(network: nn.Module, entries: Tensor) -> Tensor:
    """Call the network of an entry; a batch with less than two has no statistics of its own to normalise with."""
    if not network.training or len(entries) > 1:
        y: Tensor = network(entries)
        return y
    network.eval()
    y = network(entries)
    network.train()
    return y
