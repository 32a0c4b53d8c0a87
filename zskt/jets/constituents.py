"""Constituents of a jet, as what a tagger is called with tells them: momenta and angles, whatever else there is.

All is differentiable, and padding counts for nothing: it has no momentum, and no angle enters without one.

Shapes: B jets, P entries, N axes. Units: GeV, radians.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

MIN_DISTANCE = 1e-6
"""Radians: smooths the distance of two particles at the same place, whose gradient would not be finite."""
MIN_MASS = 1e-4
"""GeV: does the same for the mass of a single particle."""
N_AXES = 3


@dataclass(frozen=True, kw_only=True)
class Constituents:
    """The constituents of a batch of jets."""

    pt: Tensor
    """(B, P), transverse momentum, 0 on padding."""
    eta: Tensor
    """(B, P), pseudorapidity from any point, its sign the same within a jet; finite on padding."""
    phi: Tensor
    """(B, P), azimuth from any point, its sign the same within a jet; finite on padding."""
    mask: Tensor
    """(B, P) of bool: False on padding."""
    charge: Tensor | None = None
    """(B, P)"""
    significance: Tensor | None = None
    """(B, P), |d0| over its error; 0 for neutral particles."""
    vertices: Tensor | None = None
    """(B,), number of secondary vertices."""
    abs_eta: Tensor | None = None
    """(B,), the jet's |pseudorapidity|."""

    @cached_property
    def share(self) -> Tensor:
        """Share z of the sum of transverse momenta, (B, P)."""
        return self.pt / self.pt.sum(1, keepdim=True).clamp(min=1e-9)

    @cached_property
    def hardest(self) -> Tensor:
        """Position of the hardest particle, (B, 1)."""
        return self.pt.argmax(1, keepdim=True)

    @cached_property
    def deta(self) -> Tensor:
        """Pseudorapidity from the centre of transverse momentum, (B, P)."""
        return self.eta - (self.share * self.eta).sum(1, keepdim=True)

    @cached_property
    def dphi(self) -> Tensor:
        """Azimuth from the centre of transverse momentum, (B, P); first from the hardest particle, to be of one turn.

        The number of turns is a constant: the remainder of a negative angle would have another gradient by rounding.
        """
        from_hardest = self.phi - self.phi.gather(1, self.hardest)
        turns = (from_hardest.detach() / (2 * torch.pi)).round()
        near = from_hardest - 2 * torch.pi * turns
        return near - (self.share * near).sum(1, keepdim=True)

    @cached_property
    def distances(self) -> Tensor:
        """Distances in pseudorapidity and azimuth of each two particles, (B, P, P)."""
        return self._distances_to(self.deta, self.dphi)

    def _distances_to(self, eta: Tensor, phi: Tensor) -> Tensor:
        """Return the distances of each particle from N points (B, N): (B, P, N)."""
        x, y = self.deta.unsqueeze(2) - eta.unsqueeze(1), self.dphi.unsqueeze(2) - phi.unsqueeze(1)
        return (x * x + y * y + MIN_DISTANCE**2).sqrt() - MIN_DISTANCE  # a power takes four times as long here

    @cached_property
    def jet_pt(self) -> Tensor:
        """Transverse momentum of the jet, (B,)."""
        x, y = ((self.pt * part).sum(1) for part in (self.dphi.cos(), self.dphi.sin()))
        return (x.square() + y.square()).clamp(min=1e-9).sqrt()

    @cached_property
    def mass(self) -> Tensor:
        """Invariant mass of the constituents without masses of their own, (B,).

        In double precision: of a jet of 1 TeV and 10 GeV single precision keeps no digit.
        """
        pt, eta, phi = self.pt.double(), self.deta.double(), self.dphi.double()
        energy, px, py, pz = ((pt * part).sum(1) for part in (eta.cosh(), phi.cos(), phi.sin(), eta.sinh()))
        square = (energy.square() - px.square() - py.square() - pz.square()).clamp(min=0)
        return ((square + MIN_MASS**2).sqrt() - MIN_MASS).to(self.pt.dtype)

    @cached_property
    def correlators(self) -> tuple[Tensor, Tensor]:
        """Energy correlation functions e2 and e3 at beta = 1 (A. Larkoski et al., arXiv:1305.0007), (B,) each.

        e2 sums z z' R over pairs, e3 the products of three z and three R over triples: half and a sixth of the sums
        over all indices, the latter the trace of a third power.
        """
        weighted = self.distances * self.share.unsqueeze(1)
        e2 = torch.einsum("bi,bij->b", self.share, weighted) / 2
        e3 = ((weighted @ weighted) * weighted.transpose(1, 2)).sum((1, 2)) / 6
        return e2, e3

    @cached_property
    def subjettiness(self) -> Tensor:
        """N-subjettiness tau_1 to tau_3 at beta = 1 (J. Thaler, K. Van Tilburg, arXiv:1011.2268), (B, 3).

        Each is the sum of z R, R to the nearest of N axes. Axes are particles, as those of winner-take-all clustering
        are: the hardest, and then, one by one, the one that adds most to the sum as it is. Which particle that is is a
        step function, so all else is differentiable, and the cost is that of three passes, where clustering takes one
        after another of P steps.
        """
        chosen, nearest = self.hardest, torch.full_like(self.pt, torch.inf)
        taus = []
        for _ in range(N_AXES):
            axis = self._distances_to(self.deta.gather(1, chosen), self.dphi.gather(1, chosen)).squeeze(2)
            nearest = torch.minimum(nearest, axis)
            terms = self.share * nearest
            taus.append(terms.sum(1))
            chosen = torch.where(self.mask, terms.detach(), -1.0).argmax(1, keepdim=True)
        return torch.stack(taus, 1)
