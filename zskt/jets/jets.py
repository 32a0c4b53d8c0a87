"""Jets by their constituents, and the selections of jets that taggers are made for.

Shapes: B jets, P particle slots (padding included). Units: GeV, mm, radians.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from zskt.errors import UserError

TINY = 1e-8  # GeV, and radians squared: keeps logarithms and square roots, and their gradients, finite

JETCLASS_CLASSES = ("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl")
"""The ten classes of JetClass (arXiv:2202.03772), in the order of the published networks' outputs."""
JETCLASS_RADIUS = 0.8
"""Radius of the jets in JetClass, and the largest that pseudo-jets have."""


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
    """Azimuth relative to the jet axis."""
    charge: Tensor
    is_charged_hadron: Tensor
    is_neutral_hadron: Tensor
    is_photon: Tensor
    is_electron: Tensor
    is_muon: Tensor
    d0: Tensor
    """Transverse impact parameter, in the sign of JetClass; 0 for neutral particles. So for the three that follow."""
    d0_error: Tensor
    dz: Tensor
    """Longitudinal impact parameter."""
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
        """Return some of the jets, padding trimmed to the longest of them."""
        longest = max(int(self.mask[rows].sum(1).max()), 1) if len(self.mask[rows]) else 1
        return self.mapped(lambda t: t[rows][:, :longest])

    def to(self, device: torch.device) -> Jets:
        """Copy the jets to a device."""
        return self.mapped(lambda t: t.to(device))

    def mapped(self, change: Callable[[Tensor], Tensor]) -> Jets:
        """Return the jets with every field changed alike, (B, P) or (B, 1)."""
        return Jets(**{f.name: change(getattr(self, f.name)) for f in fields(Jets)})

    @property
    def pt(self) -> Tensor:
        """Transverse momentum of each particle, (B, P)."""
        return (self.px.square() + self.py.square() + TINY).sqrt()

    @property
    def mass(self) -> Tensor:
        """Invariant mass of all constituents, (B,)."""
        energy, px, py, pz = ((t * self.mask).sum(1) for t in (self.energy, self.px, self.py, self.pz))
        return (energy.square() - px.square() - py.square() - pz.square()).clamp(min=TINY).sqrt()


@dataclass(frozen=True, kw_only=True)
class JetsOfFile(Jets):
    """Jets with further columns of their file, by the names of their branches. Pseudo-jets have none."""

    named_of_jet: Mapping[str, Tensor]
    """(B, 1) each"""
    named_of_particles: Mapping[str, Tensor]
    """(B, P) each"""

    def mapped(self, change: Callable[[Tensor], Tensor]) -> JetsOfFile:
        """Return the jets with every field and every further column changed alike."""
        jets = super().mapped(change)
        columns = {f.name: getattr(jets, f.name) for f in fields(Jets)}
        of_jet, of_particles = (
            {k: change(v) for k, v in named.items()} for named in (self.named_of_jet, self.named_of_particles)
        )
        return JetsOfFile(**columns, named_of_jet=of_jet, named_of_particles=of_particles)


@dataclass(frozen=True)
class JetSelection:
    """Jets that a tagger is made for: radius, phase space, and what their surroundings are like."""

    radius: float = JETCLASS_RADIUS
    pt_low: float = 500.0
    """Smallest transverse momentum of a jet, GeV."""
    pt_high: float = 1000.0
    """Largest transverse momentum of a jet, GeV."""
    eta_max: float = 2.0
    """Largest absolute pseudorapidity of a jet."""
    pt_index: float = 3.0
    """Power of the spectrum of pseudo-jets, dN/dpT ~ pT^-pt_index."""
    pileup: float = 0.0
    """Mean number of particles of other collisions within a radius of 0.8; a jet draws its own mean, up to twice it."""
    strange_fraction: float = 0.0
    """Share of hadrons that are strange and decay into two charged ones far from the vertex: K0S and Lambda."""
    resolution: float = 0.0
    """Spread of the logarithm of the tracks' resolution from jet to jet, for what nobody outside knows of it."""

    @property
    def contains_decay(self) -> bool:
        """Whether a jet holds all that its origin decays to; smaller ones hold a prong."""
        return self.radius >= JETCLASS_RADIUS

    def changed(self, **changes: float) -> JetSelection:
        """Return a selection with other fields.

        Raises:
            UserError: if no pT is left, or the radius is larger than that of pseudo-jets.
        """
        selection = replace(self, **changes)
        if selection.pt_low >= selection.pt_high:
            raise UserError(
                f"pt_low is {selection.pt_low:g} and pt_high {selection.pt_high:g}: the first must be the smaller"
            )
        if selection.radius > JETCLASS_RADIUS:
            raise UserError(
                f"radius is {selection.radius:g}, but pseudo-jets have at most {JETCLASS_RADIUS:g}; leave it out"
            )
        return selection


AK4_SELECTION = JetSelection(
    radius=0.4,
    pt_low=20.0,
    pt_high=1000.0,
    eta_max=2.4,
    pt_index=0.5,
    pileup=12.0,
    strange_fraction=0.09,
    resolution=0.4,
)
"""Jets of CMS's AK4 taggers."""
AK8_SELECTION = replace(AK4_SELECTION, radius=0.8, pt_low=200.0, pt_high=2000.0, pileup=3.0)
"""Jets of CMS's AK8 taggers."""
