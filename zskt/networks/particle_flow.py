"""Students of taggers from files: particle-flow networks over several collections of objects.

P. T. Komiske, E. M. Metodiev and J. Thaler, "Energy flow networks: deep sets for particle jets", arXiv:1810.05165.

Shapes: B jets, P entries of a collection, C variables, K classes, R regressed values, N real entries of the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from zskt.errors import UserError
from zskt.jets.tagger_inputs import ResolvedInput, TaggerInputs
from zskt.networks.particlenet import Rows
from zskt.networks.weaver import WeaverTagger

FEW = 20
"""Entries of a collection up to which its network is the smaller one."""


@dataclass(frozen=True)
class ObjectCollection:
    """One collection, as far as a student looks at it."""

    features: tuple[int, ...]
    """Positions of its inputs among the tagger's, those that only repeat variables of others left out."""
    mask: int | None
    """Position of its mask; None where it has none, and entries of padding alone count for padding."""
    variables: int
    most: int
    """Entries at most."""
    of_jet: bool
    """Whether these are numbers of the jet itself."""
    pads: tuple[float, ...] = ()
    """What padding holds, of each variable."""

    def real(self, features: Tensor) -> Tensor:
        """Which of the entries (B, C, P) are none of padding, for want of a mask: (B, P)."""
        pads = torch.tensor(self.pads or (0.0,) * self.variables, device=features.device)
        return (features != pads.view(1, -1, 1)).any(1)


def collections_of(inputs: TaggerInputs) -> tuple[ObjectCollection, ...]:
    """What a student reads of a tagger's inputs."""
    groups: dict[str, list[tuple[int, ResolvedInput]]] = {}
    for i, role in enumerate(inputs.roles):
        groups.setdefault(role.group.collection, []).append((i, role))
    found = []
    for members in groups.values():
        mask = next((i for i, role in members if role.group.is_mask), None)
        chosen: list[tuple[int, ResolvedInput]] = []
        # Widest first: points repeat two of the features.
        for i, role in sorted(members, key=lambda m: -len(m[1].group.names)):
            seen = {name for _, other in chosen for name in other.group.names}
            if not role.group.is_mask and not set(role.group.names) <= seen:
                chosen.append((i, role))
        if chosen:
            count = sum(len(role.group.names) for _, role in chosen)
            _, first = chosen[0]
            positions = tuple(i for i, _ in chosen)
            pads = tuple(v.pad for _, role in chosen for v in role.group.variables)
            found.append(ObjectCollection(positions, mask, count, first.group.max_length, first.kind == "jet", pads))
    return tuple(found)


def mlp(widths: Sequence[int], activation: type[nn.Module] = nn.ReLU) -> list[nn.Module]:
    """Linear layers, each with batch normalisation and an activation behind it."""
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.BatchNorm1d(b), activation()]
    return layers


class TaggerPFN(nn.Module):
    """F(mean, maximum and log multiplicity of phi(p_i), for each collection; numbers of the jet).

    With ReLU, which folds into few and fast operations.

    Args:
        collections: what to look at.
        outputs: K + R.
        phi, phi_small: widths of the networks of a single entry, of collections with many and with few.
        f: widths of the hidden layers of the network of the jet.
    """

    attention_layers: tuple[str, ...] = ()

    def __init__(
        self,
        collections: Sequence[ObjectCollection],
        outputs: int,
        phi: Sequence[int],
        phi_small: Sequence[int],
        f: Sequence[int],
    ) -> None:
        super().__init__()
        self.collections = tuple(collections)
        sets = [c for c in self.collections if not c.of_jet]
        widths = [phi if c.most > FEW else phi_small for c in sets]
        self.phi = nn.ModuleList(
            nn.Sequential(nn.BatchNorm1d(c.variables), *mlp([c.variables, *w]))
            for c, w in zip(sets, widths, strict=True)
        )
        numbers = sum(c.variables for c in self.collections if c.of_jet)
        self.jet = nn.BatchNorm1d(numbers) if numbers else None
        summary = sum(2 * w[-1] + 1 for w in widths) + numbers
        self.f = nn.Sequential(*mlp([summary, *f]), nn.Linear(f[-1], outputs))

    def forward(self, *x: Tensor) -> Tensor:
        """The tagger's inputs, (B, C, P) each -> (B, K + R)."""
        networks, parts, numbers = iter(self.phi), [], []
        for c in self.collections:
            features = torch.cat([x[i] if x[i].dim() > 2 else x[i].unsqueeze(2) for i in c.features], 1)
            if c.of_jet:
                numbers.append(features[..., 0])
                continue
            rows = Rows(c.real(features) if c.mask is None else x[c.mask].squeeze(1) > 0)
            dense = rows.dense(_of_rows(next(networks), rows.of(features)))
            count = rows.real.sum(1, keepdim=True)
            # ReLU and padding: nothing is below zero, so that the maximum needs no mask.
            parts += [dense.sum(1) / count.clamp(min=1), dense.amax(1), torch.log1p(count)]
        if self.jet is not None:
            parts.append(self.jet(torch.cat(numbers, 1)))
        answered: Tensor = self.f(torch.cat(parts, 1))
        return answered


def _of_rows(network: nn.Module, x: Tensor) -> Tensor:
    """(N, C) -> (N, C'); a batch with less than two entries has no statistics of its own to normalise with."""
    if len(x) > 1 or not network.training:
        y: Tensor = network(x)
        return y
    network.eval()
    y = network(x)
    network.train()
    return y


class RegressionHead(nn.Module):
    """A student some of whose outputs are regressed values, in units of what the teacher's spread over.

    Args:
        network: with K + R outputs.
        regressions: R.
    """

    centre: Tensor
    """(R,), mean of the teacher's values."""
    scale: Tensor
    """(R,), their standard deviation."""

    def __init__(self, network: nn.Module, regressions: int) -> None:
        super().__init__()
        self.network, self.regressions = network, regressions
        self.attention_layers = tuple(f"network.{name}" for name in getattr(network, "attention_layers", ()))
        self.register_buffer("centre", torch.zeros(regressions))
        self.register_buffer("scale", torch.ones(regressions))

    def calibrate(self, values: Tensor) -> None:
        """Take centre and scale from values (B, R) of the teacher."""
        self.centre.copy_(values.mean(0))
        self.scale.copy_(values.std(0).clamp(min=1e-6))

    def forward(self, *x: Tensor) -> Tensor:
        """As the network, (B, K + R)."""
        answered = self.network(*x)
        classes, values = answered[:, : -self.regressions], answered[:, -self.regressions :]
        return torch.cat([classes, self.centre + self.scale * values], 1)


def light_particlenet(inputs: TaggerInputs, outputs: int) -> WeaverTagger:
    """Two narrow EdgeConv blocks over all collections.

    Raises:
        UserError: if the inputs are not points, features and mask of each collection.
    """
    names = [role.group.plain_name for role in inputs.roles]
    parts = [name.rsplit("_", 1) for name in names]
    if [p[-1] for p in parts] != ["points", "features", "mask"] * (len(parts) // 3):
        raise UserError(
            f"--student particlenet-light needs points, features and mask of each collection, but the teacher takes "
            f"{', '.join(names)}: choose --student pfn"
        )
    collections = [(parts[i][0], len(inputs.roles[i].group.names), 32) for i in range(1, len(parts), 3)]
    return WeaverTagger(collections, ((7, (32, 32)), (7, (64, 64))), 64, 64, outputs, softmax=False)
