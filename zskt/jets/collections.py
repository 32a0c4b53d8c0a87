"""Reconstructed jets as an experiment's tagger sees them: particles, secondary vertices, lost tracks, the jet itself.

Columns are raw quantities in the experiment's units (GeV, cm, radians), before any preparation. Which there are depends
on the source: files hold what was stored, `zskt.jets.tracks` fills in what pseudo-jets and simulated jets lack.

Shapes: B jets, P entries of a collection (padding included).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

OF_EVERY_PARTICLE = {name: f"{name}_of_every_particle" for name in ("dxy", "dxy_error", "dz", "dz_error")}
"""Impact parameters, and columns of the same as the file or the generator has them, where no cut of CMS on tracks
applies: what JetClass's names mean. Jets from files of CMS have the former alone."""


@dataclass(frozen=True)
class Collection:
    """Objects of one kind in each jet."""

    columns: Mapping[str, Tensor]
    """(B, P) each, zero on padding."""
    mask: Tensor
    """(B, P) of bool: False on padding."""

    def __getitem__(self, name: str) -> Tensor:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def rows(self, chosen: Tensor | slice) -> Collection:
        """Return some of the jets, padding trimmed to the longest of them, one entry at least."""
        mask = self.mask[chosen]
        longest = max(int(mask.sum(1).max()), 1) if len(mask) else 1
        return Collection({k: v[chosen][:, :longest] for k, v in self.columns.items()}, mask[:, :longest])

    def ordered(self, order: Tensor, keep: Tensor | None = None) -> Collection:
        """Return the entries in another order.

        Args:
            order: (B, P) of positions.
            keep: (B, P) of bool; entries that it leaves out become padding at the end.
        """
        mask = self.mask if keep is None else self.mask & keep
        if keep is not None:  # what is kept first, in the order asked for
            order = order.gather(1, torch.argsort((~mask.gather(1, order)).int(), dim=1, stable=True))
        mask = mask.gather(1, order)
        longest = max(int(mask.sum(1).max()), 1) if len(mask) else 1
        columns = {k: (v.gather(1, order) * mask)[:, :longest] for k, v in self.columns.items()}
        return Collection(columns, mask[:, :longest])


def empty(jets: int, names: tuple[str, ...], device: torch.device) -> Collection:
    """Return a collection of which no jet has any entry."""
    zero = torch.zeros(jets, 1, device=device)
    return Collection(dict.fromkeys(names, zero), zero.bool())


@dataclass(frozen=True)
class ReconstructedJets:
    """A batch of jets with all that an experiment reconstructs of them."""

    jet: Mapping[str, Tensor]
    """Columns of the jet itself, (B, 1) each."""
    particles: Collection
    """Particles by falling transverse momentum."""
    vertices: Collection
    """Secondary vertices by falling significance of their transverse flight distance."""
    lost_tracks: Collection
    """Tracks that belong to no particle."""
    scores: Mapping[str, Tensor] = field(default_factory=dict)
    """Scores by the experiment's own software, (B,) each, where the file holds them."""

    def __len__(self) -> int:
        return len(self.particles.mask)

    def __getitem__(self, rows: Tensor | slice) -> ReconstructedJets:
        return ReconstructedJets(
            {k: v[rows] for k, v in self.jet.items()},
            self.particles.rows(rows),
            self.vertices.rows(rows),
            self.lost_tracks.rows(rows),
            {k: v[rows] for k, v in self.scores.items()},
        )
