"""Mass correction: resonances keep their masses although their daughters radiate.

A shower that splits massless partons gives each prong a mass of its own, and a resonance made of such prongs would
come out too heavy (a W of 91 GeV instead of 80). Real showers put the recoil into the other daughter. Here prongs
move towards each other until the resonance weighs what it decayed with, first A -> 1 2 and B -> 3 4, then root -> A B.

Shapes: B jets, four prongs each, N particles in one flat list.
"""

from __future__ import annotations

import torch
from torch import Tensor

from generators.jets.decays import Particles
from generators.jets.four_vectors import from_pt_eta_phi_mass, pt_eta_phi, square_root
from zskt.jets.angles import wrap

MIN_SQUARED_FACTOR, MAX_SQUARED_FACTOR = 0.05, 2.0
"""Limits of the squared factor on an opening angle; the lower one acts where a prong is heavier than its parent."""


def _mass2(p: Tensor) -> Tensor:
    """Squared mass of four-vectors: (..., 4) -> (...,)."""
    return p[..., 0].square() - p[..., 1:].square().sum(-1)


def _approach(pair: Tensor, mass: Tensor) -> tuple[Tensor, Tensor]:
    """Shifts in eta and phi, (..., 2) each, that give pairs of four-vectors (..., 2, 4) the mass (...,)."""
    total = pair.sum(-2)
    prong_mass2 = _mass2(pair).sum(-1)
    factor = ((mass.square() - prong_mass2) / (_mass2(total) - prong_mass2).clamp(min=1e-3)).clamp(
        MIN_SQUARED_FACTOR, MAX_SQUARED_FACTOR
    ).sqrt() - 1
    _, eta, phi = pt_eta_phi(pair)
    _, eta_total, phi_total = pt_eta_phi(total)
    present = (pair[..., 0] > 1e-3).all(-1)  # one daughter alone has nothing to approach
    scale = torch.where(present, factor, torch.zeros_like(factor)).unsqueeze(-1)
    return scale * (eta - eta_total.unsqueeze(-1)), scale * wrap(phi - phi_total.unsqueeze(-1))


def restore_masses(particles: Particles, branches: Tensor, roots: Tensor) -> Particles:
    """Move the prongs of each jet until branches and root have their masses.

    Args:
        particles: whose `Particles.jet` is the prong, 4 * jet + slot.
        branches: masses of A and B, (B, 2).
        roots: masses of the roots, (B,).
    """
    four = from_pt_eta_phi_mass(particles.pt, particles.eta, particles.phi, 0.0)
    prongs = four.new_zeros(4 * len(roots), 4).index_add(0, particles.jet, four).view(-1, 2, 2, 4)
    deta, dphi = _approach(prongs, branches)  # (B, 2, 2)
    pt, eta, phi = pt_eta_phi(prongs)
    # Not 0: the square root of an empty slot has no finite gradient in some versions of PyTorch.
    mass = square_root(_mass2(prongs))
    moved = from_pt_eta_phi_mass(pt, eta + deta, phi + dphi, mass)
    moved = torch.where(prongs[..., :1] > 1e-3, moved, torch.zeros_like(moved))
    deta_root, dphi_root = _approach(moved.sum(2), roots)  # (B, 2)
    deta, dphi = (deta + deta_root.unsqueeze(-1)).flatten(), (dphi + dphi_root.unsqueeze(-1)).flatten()
    return Particles(
        particles.jet,
        particles.kind,
        particles.charge,
        particles.pt,
        particles.eta + deta[particles.jet],
        particles.phi + dphi[particles.jet],
        particles.d0,
        particles.dz,
    )
