"""What a jet tagger is fed: constituents -> (points, features, mask), differentiable, one definition for all.

Simulated jets and pseudo-jets pass through the same functions, so that a feature means the same in both.

Shapes: B jets, P particle slots (padding included), F features. Units: GeV, mm, radians.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

TINY = 1e-8  # GeV, and radians squared: keeps logarithms and square roots, and their gradients, finite


@dataclass(frozen=True, kw_only=True)
class Jets:
    """A batch of jets by their constituents, sorted by transverse momentum; every field (B, P) unless said."""

    px: Tensor
    py: Tensor
    pz: Tensor
    energy: Tensor
    deta: Tensor
    """Pseudorapidity relative to the jet axis, times the sign of the axis's own."""
    dphi: Tensor
    charge: Tensor
    is_charged_hadron: Tensor
    is_neutral_hadron: Tensor
    is_photon: Tensor
    is_electron: Tensor
    is_muon: Tensor
    d0: Tensor
    d0_error: Tensor
    dz: Tensor
    dz_error: Tensor
    jet_pt: Tensor
    """(B, 1)"""
    jet_energy: Tensor
    """(B, 1)"""
    mask: Tensor
    """(B, P) of bool: False on padding."""

    def __len__(self) -> int:
        return len(self.mask)

    def __getitem__(self, rows: Tensor | slice) -> Jets:
        """Some of the jets, padding trimmed to the longest of them."""
        longest = max(int(self.mask[rows].sum(1).max()), 1) if len(self.mask[rows]) else 1
        return Jets(**{f.name: getattr(self, f.name)[rows][:, :longest] for f in fields(self)})

    def to(self, device: torch.device) -> Jets:
        return Jets(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    @property
    def pt(self) -> Tensor:
        return (self.px.square() + self.py.square() + TINY).sqrt()

    @property
    def mass(self) -> Tensor:
        """(B,): the invariant mass of all constituents."""
        energy, px, py, pz = ((t * self.mask).sum(1) for t in (self.energy, self.px, self.py, self.pz))
        return (energy.square() - px.square() - py.square() - pz.square()).clamp(min=TINY).sqrt()


@dataclass(frozen=True)
class JetSelection:
    """Which jets a tagger is for."""

    radius: float = 0.8
    pt_low: float = 500.0
    pt_high: float = 1000.0
    """GeV"""
    eta_max: float = 2.0
    pt_index: float = 3.0
    """Of the spectrum of pseudo-jets, dN/dpT ~ pT^-pt_index."""
    pileup: float = 0.0
    """Mean number of particles of other collisions within a radius of 0.8; a jet draws its own mean, up to twice it."""
    strange_fraction: float = 0.0
    """Share of hadrons that are strange and decay into two charged ones far from the vertex: K0S and Lambda."""
    resolution: float = 0.0
    """How much the resolution of tracks varies from jet to jet, for what nobody outside knows: of its logarithm."""

    @property
    def contains_decay(self) -> bool:
        """Whether a jet holds all that its origin decays to; smaller ones hold a prong."""
        return self.radius >= 0.8
