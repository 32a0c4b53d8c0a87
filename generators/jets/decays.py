"""Hadron species and decays: neutral pions, charm, bottom and strange hadrons, before a detector sees them.

Shapes: N particles of all jets in one flat list. GeV, mm, radians. Branching ratios, multiplicities and lifetimes:
R. L. Workman et al., Review of Particle Physics; fractions of species at the Z pole: ibid., table 20.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import IntEnum

import torch
from torch import Tensor

from generators.jets.four_vectors import boost, from_pt_eta_phi_mass, pt_eta_phi
from generators.jets.hard_process import Flavour
from generators.jets.parton_shower import Partons


class ParticleKind(IntEnum):
    """Kinds of particles that a detector tells apart."""

    CHARGED = 0
    NEUTRAL = 1
    PHOTON = 2
    ELECTRON = 3
    MUON = 4
    INVISIBLE = 5


@dataclass(frozen=True)
class Particles:
    """A flat list of particles; every field (N,)."""

    jet: Tensor
    """Index of the jet that it belongs to."""
    kind: Tensor
    charge: Tensor
    pt: Tensor
    eta: Tensor
    phi: Tensor
    d0: Tensor
    dz: Tensor

    def __getitem__(self, rows: Tensor) -> Particles:
        # Rows are looked for once, not once a field.
        index = rows.nonzero().squeeze(1) if rows.dtype == torch.bool else rows
        return Particles(*(getattr(self, f.name).index_select(0, index) for f in fields(self)))


def join_particles(lists: list[Particles]) -> Particles:
    """Join lists of particles, in the order of the lists."""
    return Particles(*(torch.cat([getattr(p, f.name) for p in lists]) for f in fields(Particles)))


TRACKER_RADIUS = 500.0
"""Radius in mm within which a decay still leaves tracks."""
SPECIES_WEIGHTS = torch.tensor([0.55, 0.12, 0.33, 0.0, 0.0, 0.0])
"""Frequencies of species among hadrons of a string, by `ParticleKind`; "photons" stand for pi0 and eta."""

HEAVY_HADRONS = {
    Flavour.BOTTOM: (5.28, 0.46, 7.4, 0.38),
    Flavour.CHARM: (1.87, 0.20, 3.4, 0.14),
}
"""Mass in GeV, c tau in mm, mean number of hadrons in the decay, and probability of a lepton among them."""


def _sample_kind(n: int, like: Tensor, rng: torch.Generator) -> Tensor:
    weights = SPECIES_WEIGHTS.to(like.device)
    return torch.multinomial(weights, n, replacement=True, generator=rng) if n else like.new_zeros(0, dtype=torch.long)


def _sample_charge(kind: Tensor, rng: torch.Generator) -> Tensor:
    sign = 2.0 * torch.randint(0, 2, kind.shape, generator=rng, device=kind.device) - 1
    charged = (kind == ParticleKind.CHARGED) | (kind == ParticleKind.ELECTRON) | (kind == ParticleKind.MUON)
    return torch.where(charged, sign, torch.zeros_like(sign))


def prompt_particles(hadrons: Partons, kind: Tensor, rng: torch.Generator) -> Particles:
    """Make particles of hadrons or leptons that come from the primary vertex."""
    zero = torch.zeros_like(hadrons.pt)
    return Particles(hadrons.jet, kind, _sample_charge(kind, rng), hadrons.pt, hadrons.eta, hadrons.phi, zero, zero)


def sample_species(hadrons: Partons, rng: torch.Generator) -> Particles:
    """Sample the species of each string hadron by `SPECIES_WEIGHTS`; all come from the primary vertex."""
    return prompt_particles(hadrons, _sample_kind(len(hadrons.pt), hadrons.pt, rng), rng)


def decay_heavy_hadrons(hadrons: Partons, flavour: Flavour, rng: torch.Generator) -> Particles:
    """Decay charm or bottom hadrons: isotropic in the rest frame, with exponential momenta.

    The impact parameters follow from the flight of the parent and the direction of each daughter.
    """
    mass, c_tau, mean, leptonic = HEAVY_HADRONS[flavour]
    device = hadrons.pt.device
    parent = from_pt_eta_phi_mass(hadrons.pt, hadrons.eta, hadrons.phi, mass)
    extra = torch.poisson(torch.full_like(hadrons.pt, mean - 2), generator=rng).long()
    owner = torch.arange(len(extra), device=device).repeat_interleave(extra + 2)
    u = torch.rand(3, len(owner), generator=rng, device=device).clamp(1e-6, 1 - 1e-6)
    size = -u[0].log() - torch.log(torch.rand(len(owner), generator=rng, device=device).clamp(min=1e-6))
    energy = torch.zeros_like(hadrons.pt).index_add(0, owner, size)
    size = size / energy[owner] * mass
    cosine, azimuth = 2 * u[1] - 1, 2 * math.pi * u[2]
    sine = (1 - cosine.square()).sqrt()
    p = torch.stack([size, size * sine * azimuth.cos(), size * sine * azimuth.sin(), size * cosine], -1)
    pt, eta, phi = pt_eta_phi(boost(p, parent[owner], torch.full_like(size, mass)))
    pt = pt * (hadrons.pt / torch.zeros_like(hadrons.pt).index_add(0, owner, pt))[owner]
    kind = _sample_kind(len(owner), pt, rng)
    is_first = torch.cat([owner.new_ones(min(1, len(owner)), dtype=torch.bool), owner[1:] != owner[:-1]])
    lepton = (torch.rand(len(extra), generator=rng, device=device) < leptonic)[owner]
    species = torch.randint(
        int(ParticleKind.ELECTRON), int(ParticleKind.MUON) + 1, kind.shape, generator=rng, device=device
    )
    kind = torch.where(lepton & is_first, species, kind)
    is_second = torch.cat([is_first.new_zeros(min(1, len(is_first))), is_first[:-1]])
    kind = torch.where(lepton & is_second, torch.full_like(kind, ParticleKind.INVISIBLE), kind)
    flight = hadrons.pt / mass * c_tau * -torch.rand(len(extra), generator=rng, device=device).clamp(min=1e-6).log()
    d0 = flight[owner] * torch.sin(phi - hadrons.phi[owner])
    dz = flight[owner] * (hadrons.eta[owner].sinh() - eta.sinh())
    return Particles(hadrons.jet[owner], kind, _sample_charge(kind, rng), pt, eta, phi, d0, dz)


K0S = (0.498, 26.8)
"""Mass in GeV and c tau in mm of a K0S. It stands for the Lambda, too, which is rarer by three and flies three times as
far."""


def decay_strange_hadrons(hadrons: Partons, rng: torch.Generator) -> Particles:
    """Decay strange hadrons into two charged tracks, back to back in the rest frame, from where each decayed."""
    mass, c_tau = K0S
    device = hadrons.pt.device
    parent = from_pt_eta_phi_mass(hadrons.pt, hadrons.eta, hadrons.phi, mass)
    u = torch.rand(3, len(hadrons.pt), generator=rng, device=device).clamp(1e-6, 1 - 1e-6)
    cosine, azimuth = 2 * u[0] - 1, 2 * math.pi * u[1]
    sine = (1 - cosine.square()).sqrt()
    along = mass / 2 * torch.stack([sine * azimuth.cos(), sine * azimuth.sin(), cosine], -1)
    energy = torch.full_like(hadrons.pt, mass / 2).unsqueeze(-1)
    flight = hadrons.pt / mass * c_tau * -u[2].log()
    sign = 2.0 * torch.randint(0, 2, flight.shape, generator=rng, device=device) - 1
    tracks = []
    for side in (1.0, -1.0):
        p = boost(torch.cat([energy, side * along], -1), parent, torch.full_like(hadrons.pt, mass))
        pt, eta, phi = pt_eta_phi(p)
        kind = torch.full_like(hadrons.flavour, int(ParticleKind.CHARGED))
        d0, dz = flight * torch.sin(phi - hadrons.phi), flight * (hadrons.eta.sinh() - eta.sinh())
        tracks.append(Particles(hadrons.jet, kind, side * sign, pt, eta, phi, d0, dz)[flight < TRACKER_RADIUS])
    return join_particles(tracks)


def decay_neutral_pions(particles: Particles, rng: torch.Generator) -> Particles:
    """Decay neutral pions, for which the "photons" of a string stand, into two photons, isotropic in the rest frame."""
    pion = particles.kind == ParticleKind.PHOTON
    p, others = particles[pion], particles[~pion]
    u = torch.rand(2, len(p.pt), generator=rng, device=p.pt.device)
    fraction = 0.01 + 0.98 * u[0]
    # Without momentum there is no angle; what is so soft is not seen, but its gradient would be infinite.
    opening = 0.135 / (p.pt.clamp(min=1e-6) * (fraction * (1 - fraction)).sqrt())
    deta, dphi = opening * torch.cos(2 * math.pi * u[1]), opening * torch.sin(2 * math.pi * u[1])
    photons = [
        Particles(p.jet, p.kind, p.charge, x * p.pt, p.eta + y * deta, p.phi + y * dphi, p.d0, p.dz)
        for x, y in ((fraction, 1 - fraction), (1 - fraction, -fraction))
    ]
    return join_particles([others, *photons])
