"""Four-vectors, differentiable: conversions, boosts and two-body decays.

The last dimension is (E, px, py, pz), in GeV.
"""

from __future__ import annotations

import torch
from torch import Tensor

from zskt.jets.axis import azimuth

TINY = 1e-9
"""GeV^2, added under square roots to keep their gradients finite."""


def square_root(x: Tensor) -> Tensor:
    """Return the square root of (...,); 0 with gradient 0, not infinity, where x is not positive."""
    return x.clamp(min=torch.finfo(x.dtype).tiny).sqrt()


def from_pt_eta_phi_mass(pt: Tensor, eta: Tensor, phi: Tensor, mass: Tensor | float) -> Tensor:
    """Build four-vectors (..., 4) from transverse momentum, pseudorapidity, azimuth and mass, (...,) each."""
    pz = pt * eta.sinh()
    energy = square_root(pt.square() + pz.square() + mass**2)
    return torch.stack([energy, pt * phi.cos(), pt * phi.sin(), pz], -1)


def pt_eta_phi(p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Transverse momentum, pseudorapidity and azimuth, (...,) each, of four-vectors (..., 4)."""
    pt = (p[..., 1].square() + p[..., 2].square() + TINY).sqrt()
    return pt, torch.asinh(p[..., 3] / pt), azimuth(p[..., 1], p[..., 2])


def boost(p: Tensor, frame: Tensor, mass: Tensor) -> Tensor:
    """Boost ``p`` (..., 4) from the rest frame of ``frame``, (..., 4) of mass (...,), to where ``frame`` moves."""
    energy, momentum = p[..., 0], p[..., 1:]
    along = (frame[..., 1:] * momentum).sum(-1)
    boosted = (frame[..., 0] * energy + along) / mass
    scale = (energy + boosted) / (frame[..., 0] + mass)
    return torch.cat([boosted.unsqueeze(-1), momentum + scale.unsqueeze(-1) * frame[..., 1:]], -1)


def two_body(
    parent: Tensor, mass: Tensor, first: Tensor, second: Tensor, cosine: Tensor, azimuth: Tensor
) -> tuple[Tensor, Tensor]:
    """Decay a particle into two daughters, (..., 4) each; isotropic if ``cosine`` is uniform.

    Args:
        parent: (..., 4), of ``mass`` (...,).
        first, second: masses of the daughters, (...,); their sum must stay below ``mass``.
        cosine, azimuth: direction of the first daughter in the parent's rest frame, (...,).
    """
    energy = (mass.square() + first.square() - second.square()) / (2 * mass)
    momentum = (energy.square() - first.square()).clamp(min=TINY).sqrt()
    sine = (1 - cosine.square()).clamp(min=TINY).sqrt()
    direction = torch.stack([sine * azimuth.cos(), sine * azimuth.sin(), cosine], -1)
    p = momentum.unsqueeze(-1) * direction
    one = torch.cat([energy.unsqueeze(-1), p], -1)
    other = torch.cat([(mass - energy).unsqueeze(-1), -p], -1)
    return boost(one, parent, mass), boost(other, parent, mass)
