"""The collections of objects among a tagger's inputs, as far as a student reads them: particles, vertices, the jet.

Shapes: B jets, P entries of a collection, C variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:  # tagger_inputs imports this file
    from zskt.jets.tagger_inputs import ResolvedInput


@dataclass(frozen=True)
class ObjectCollection:
    """One collection of objects: which inputs hold its variables and its mask."""

    features: tuple[int, ...]
    """Positions of its inputs among the network's. Inputs that only repeat variables of others are left out."""
    mask: int | None
    """Position of its mask. None if it has no mask; then entries that hold padding in every variable are padding."""
    variables: int
    """C"""
    max_length: int
    """Largest number of entries, P."""
    of_jet: bool
    """Whether the variables describe the jet itself."""
    pads: tuple[float, ...] = ()
    """(C,), what each variable holds on padding; empty for zeros."""
    inverted: bool = False
    """Whether its mask is one for padding."""

    def read(self, x: Sequence[Tensor]) -> Tensor:
        """Select the collection's variables from the inputs of the network: (B, C, P)."""
        features = [x[i] if x[i].dim() > 2 else x[i].unsqueeze(2) for i in self.features]
        return features[0] if len(features) == 1 else torch.cat(features, 1)

    def real(self, x: Sequence[Tensor], features: Tensor) -> Tensor:
        """Tell real entries from padding: (B, P) of bool, or of numbers above zero where the mask holds numbers.

        Args:
            x: the inputs of the network.
            features: (B, C, P), what `read` returns.
        """
        if self.mask is not None:
            mask = x[self.mask].squeeze(1)
            return 1 - mask.to(features.dtype) if self.inverted else mask
        pads = torch.tensor(self.pads or (0.0,) * self.variables, device=features.device)
        return (features != pads.view(1, -1, 1)).any(1)


def collections_of(inputs: Sequence[ResolvedInput]) -> tuple[ObjectCollection, ...]:
    """Sort the inputs of a tagger into its collections."""
    members: dict[str, list[tuple[int, ResolvedInput]]] = {}
    for i, resolved in enumerate(inputs):
        members.setdefault(resolved.group.collection, []).append((i, resolved))
    collections = (_collection(m) for m in members.values())
    return tuple(c for c in collections if c is not None)


def _collection(members: Sequence[tuple[int, ResolvedInput]]) -> ObjectCollection | None:
    """Describe one collection; None if it consists of a mask alone."""
    mask = next((i for i, resolved in members if resolved.group.is_mask), None)
    chosen: list[tuple[int, ResolvedInput]] = []
    # Widest first: points repeat two of the features.
    for i, resolved in sorted(members, key=lambda m: -len(m[1].group.names)):
        names = {name for _, other in chosen for name in other.group.names}
        if not resolved.group.is_mask and not set(resolved.group.names) <= names:
            chosen.append((i, resolved))
    if not chosen:
        return None
    _, first = chosen[0]
    return ObjectCollection(
        features=tuple(i for i, _ in chosen),
        mask=mask,
        variables=sum(len(resolved.group.names) for _, resolved in chosen),
        max_length=first.group.max_length,
        of_jet=first.kind == "jet",
        inverted=any(i == mask and resolved.is_one_for_padding for i, resolved in members),
        pads=tuple(v.pad for _, resolved in chosen for v in resolved.group.variables),
    )
