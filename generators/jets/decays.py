"""What hadrons do before a detector sees them: species, decays of pi0 and of charm and bottom hadrons.

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


class Kind(IntEnum):
    """What a detector tells apart."""

    CHARGED = 0
    NEUTRAL = 1
    PHOTON = 2
    ELECTRON = 3
    MUON = 4
    INVISIBLE = 5


@dataclass(frozen=True)
class Particles:
    """A flat list; every field (N,)."""

    jet: Tensor
    kind: Tensor
    charge: Tensor
    pt: Tensor
    eta: Tensor
    phi: Tensor
    d0: Tensor
    dz: Tensor

    def __getitem__(self, rows: Tensor) -> Particles:
        return Particles(*(getattr(self, f.name)[rows] for f in fields(self)))


def join(lists: list[Particles]) -> Particles:
    """One list of all particles, in the order of the lists."""
    return Particles(*(torch.cat([getattr(p, f.name) for p in lists]) for f in fields(Particles)))


TRACKER = 500.0
"""mm: what decays farther from the beam leaves no track."""
SPECIES = torch.tensor([0.55, 0.12, 0.33, 0.0, 0.0, 0.0])
"""Stable charged hadrons, neutral hadrons, and pi0 (with eta) among what a string makes, by `Kind`."""

HEAVY = {
    # mass, c tau (mm), mean number of hadrons in the decay, probability of a lepton among them
    Flavour.BOTTOM: (5.28, 0.46, 7.4, 0.38),
    Flavour.CHARM: (1.87, 0.20, 3.4, 0.14),
}


def _draw_kind(n: int, like: Tensor, rng: torch.Generator) -> Tensor:
    weights = SPECIES.to(like.device)
    return torch.multinomial(weights, n, replacement=True, generator=rng) if n else like.new_zeros(0, dtype=torch.long)


def _charge(kind: Tensor, rng: torch.Generator) -> Tensor:
    sign = 2.0 * torch.randint(0, 2, kind.shape, generator=rng, device=kind.device) - 1
    charged = (kind == Kind.CHARGED) | (kind == Kind.ELECTRON) | (kind == Kind.MUON)
    return torch.where(charged, sign, torch.zeros_like(sign))


def prompt(hadrons: Partons, kind: Tensor, rng: torch.Generator) -> Particles:
    """Hadrons or leptons that come from the primary vertex."""
    zero = torch.zeros_like(hadrons.pt)
    return Particles(hadrons.jet, kind, _charge(kind, rng), hadrons.pt, hadrons.eta, hadrons.phi, zero, zero)


def draw_species(hadrons: Partons, rng: torch.Generator) -> Particles:
    """Of each hadron of a string its kind, with the frequencies of `SPECIES`; all from the primary vertex."""
    return prompt(hadrons, _draw_kind(len(hadrons.pt), hadrons.pt, rng), rng)


def decay_heavy(hadrons: Partons, flavour: Flavour, rng: torch.Generator) -> Particles:
    """Decays of the charm or bottom hadrons in the list: isotropic in the rest frame, with exponential momenta.

    The impact parameters follow from the flight of the parent and the direction of each daughter.
    """
    mass, c_tau, mean, leptonic = HEAVY[flavour]
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
    kind = _draw_kind(len(owner), pt, rng)
    first = torch.cat([owner.new_ones(min(1, len(owner)), dtype=torch.bool), owner[1:] != owner[:-1]])
    lepton = (torch.rand(len(extra), generator=rng, device=device) < leptonic)[owner]
    species = torch.randint(int(Kind.ELECTRON), int(Kind.MUON) + 1, kind.shape, generator=rng, device=device)
    kind = torch.where(lepton & first, species, kind)
    second = torch.cat([first.new_zeros(min(1, len(first))), first[:-1]])
    kind = torch.where(lepton & second, torch.full_like(kind, Kind.INVISIBLE), kind)
    flight = hadrons.pt / mass * c_tau * -torch.rand(len(extra), generator=rng, device=device).clamp(min=1e-6).log()
    d0 = flight[owner] * torch.sin(phi - hadrons.phi[owner])
    dz = flight[owner] * (hadrons.eta[owner].sinh() - eta.sinh())
    return Particles(hadrons.jet[owner], kind, _charge(kind, rng), pt, eta, phi, d0, dz)


STRANGE = (0.498, 26.8)
"""Mass (GeV) and c tau (mm) of a K0S; a Lambda, three times rarer, flies three times as far and is counted in."""


def decay_strange(hadrons: Partons, rng: torch.Generator) -> Particles:
    """Two charged tracks of each of the hadrons, from where it decayed: back to back in its rest frame."""
    mass, c_tau = STRANGE
    device = hadrons.pt.device
    parent = from_pt_eta_phi_mass(hadrons.pt, hadrons.eta, hadrons.phi, mass)
    u = torch.rand(3, len(hadrons.pt), generator=rng, device=device).clamp(1e-6, 1 - 1e-6)
    cosine, azimuth = 2 * u[0] - 1, 2 * math.pi * u[1]
    sine = (1 - cosine.square()).sqrt()
    along = mass / 2 * torch.stack([sine * azimuth.cos(), sine * azimuth.sin(), cosine], -1)
    energy = torch.full_like(hadrons.pt, mass / 2).unsqueeze(-1)
    flight = hadrons.pt / mass * c_tau * -u[2].log()
    sign = 2.0 * torch.randint(0, 2, flight.shape, generator=rng, device=device) - 1
    halves = []
    for side in (1.0, -1.0):
        p = boost(torch.cat([energy, side * along], -1), parent, torch.full_like(hadrons.pt, mass))
        pt, eta, phi = pt_eta_phi(p)
        kind = torch.full_like(hadrons.flavour, int(Kind.CHARGED))
        d0, dz = flight * torch.sin(phi - hadrons.phi), flight * (hadrons.eta.sinh() - eta.sinh())
        halves.append(Particles(hadrons.jet, kind, side * sign, pt, eta, phi, d0, dz)[flight < TRACKER])
    return join(halves)


def decay_pions(particles: Particles, rng: torch.Generator) -> Particles:
    """Every "photon" of a string stands for a pi0: split it in two, isotropic in its rest frame."""
    pion = particles.kind == Kind.PHOTON
    p, others = particles[pion], particles[~pion]
    u = torch.rand(2, len(p.pt), generator=rng, device=p.pt.device)
    fraction = 0.01 + 0.98 * u[0]
    opening = 0.135 / (p.pt * (fraction * (1 - fraction)).sqrt())
    deta, dphi = opening * torch.cos(2 * math.pi * u[1]), opening * torch.sin(2 * math.pi * u[1])
    halves = [
        Particles(p.jet, p.kind, p.charge, x * p.pt, p.eta + y * deta, p.phi + y * dphi, p.d0, p.dz)
        for x, y in ((fraction, 1 - fraction), (1 - fraction, -fraction))
    ]
    return join([others, *halves])
