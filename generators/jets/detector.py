"""Detector simulation of pseudo-jets, CMS-like and differentiable: efficiency, cells, resolution, thresholds, jet axis.

Numbers: CMS, "Particle-flow reconstruction", JINST 12 (2017) P10003, rounded.
Shapes: N particles of all jets in one flat list; B jets, P slots. GeV, mm, radians.
"""

from __future__ import annotations

import torch
from torch import Tensor

from generators.jets.decays import ParticleKind, Particles, join_particles
from generators.jets.four_vectors import from_pt_eta_phi_mass, pt_eta_phi
from zskt.jets.angles import wrap
from zskt.jets.jets import Jets

JET_RADIUS = 0.8
"""Radius of pseudo-jets in pseudorapidity and azimuth."""
MAX_PARTICLES = 128
"""Most particles of a pseudo-jet, as in JetClass."""
TRACK_EFFICIENCY = 0.95
"""Probability that a charged particle leaves a track."""
MAX_ABS_ETA = 3.0
"""Largest pseudorapidity that the detector covers."""
PT_THRESHOLDS = {
    ParticleKind.CHARGED: 0.5,
    ParticleKind.ELECTRON: 0.5,
    ParticleKind.MUON: 0.5,
    ParticleKind.PHOTON: 0.4,
    ParticleKind.NEUTRAL: 1.0,
}
"""Lowest measured transverse momentum, GeV."""
CELL_SIZES = {ParticleKind.PHOTON: 0.0174, ParticleKind.NEUTRAL: 0.087}
"""Widths of calorimeter cells in pseudorapidity and azimuth."""


def merge_cells(p: Particles, size: float) -> Particles:
    """Merge neutral particles of one jet and one calorimeter cell into one, at their pT-weighted centre.

    Args:
        size: of a cell, in pseudorapidity and azimuth.
    """
    column = torch.floor(p.eta / size).long() + 1000
    row = torch.floor(p.phi / size).long() + 1000
    key = (p.jet * 4000 + column) * 4000 + row
    cells, inverse = torch.unique(key, return_inverse=True)
    pt = p.pt.new_zeros(len(cells)).index_add(0, inverse, p.pt)
    eta = p.pt.new_zeros(len(cells)).index_add(0, inverse, p.pt * p.eta) / pt
    phi = p.pt.new_zeros(len(cells)).index_add(0, inverse, p.pt * p.phi) / pt
    kind = p.kind.new_full((len(cells),), int(p.kind[0]) if len(p.kind) else 0)
    zero = torch.zeros_like(pt)
    return Particles(cells // 16_000_000, kind, zero, pt, eta, phi, zero, zero)


def _resolution(p: Particles) -> Tensor:
    """Relative resolution of the energy or momentum of each particle."""
    energy = p.pt * p.eta.cosh()
    tracker = 0.008 + 0.00015 * p.pt
    photon = 0.04 / energy.sqrt() + 0.01
    neutral = 0.9 / energy.sqrt() + 0.07
    resolution = torch.where(p.kind == ParticleKind.PHOTON, photon, tracker)
    return torch.where(p.kind == ParticleKind.NEUTRAL, neutral.clamp(max=0.6), resolution)


def measure(particles: Particles, rng: torch.Generator) -> Particles:
    """Measure the visible particles: efficiency, cells, resolution and thresholds."""
    # What flies along the beam or carries no momentum would not be seen, and its gradients need not be finite.
    particles = particles[(particles.eta.abs() < MAX_ABS_ETA) & (particles.pt > 0.01)]
    tracked = (particles.kind != ParticleKind.PHOTON) & (particles.kind != ParticleKind.NEUTRAL)
    lost = tracked & (torch.rand(particles.pt.shape, generator=rng, device=particles.pt.device) > TRACK_EFFICIENCY)
    seen = particles[~lost & (particles.kind != ParticleKind.INVISIBLE)]
    calorimeter = [merge_cells(seen[seen.kind == kind], size) for kind, size in CELL_SIZES.items()]
    seen = join_particles(
        [seen[(seen.kind != ParticleKind.PHOTON) & (seen.kind != ParticleKind.NEUTRAL)], *calorimeter]
    )
    noise = torch.randn(seen.pt.shape, generator=rng, device=seen.pt.device)
    pt = seen.pt * (1 + _resolution(seen) * noise).clamp(min=0.05)
    seen = Particles(seen.jet, seen.kind, seen.charge, pt, seen.eta, seen.phi, seen.d0, seen.dz)
    threshold = torch.tensor([PT_THRESHOLDS.get(kind, torch.inf) for kind in ParticleKind], device=pt.device)
    return seen[pt > threshold[seen.kind]]


def _jet_axes(p: Particles, jets: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Energy, transverse momentum, pseudorapidity and azimuth of each of B ``jets``: (B,) each."""
    total = p.pt.new_zeros(jets, 4).index_add(0, p.jet, from_pt_eta_phi_mass(p.pt, p.eta, p.phi, 0.0))
    return total[:, 0], *pt_eta_phi(total)


def cluster(particles: Particles, jets: int) -> Particles:
    """Select particles within the jet radius of the jet's axis, twice: the axis follows the first selection."""
    for _ in range(2):
        _, _, eta, phi = _jet_axes(particles, jets)
        distance = (particles.eta - eta[particles.jet]).square() + wrap(particles.phi - phi[particles.jet]).square()
        particles = particles[distance < JET_RADIUS**2]
    return particles


def _rank(jet: Tensor, pt: Tensor) -> Tensor:
    """Rank of each particle in its jet by falling transverse momentum, (N,)."""
    order = torch.argsort(pt, descending=True)
    order = order[torch.argsort(jet[order], stable=True)]
    counts = torch.bincount(jet)
    first = torch.repeat_interleave(counts.cumsum(0) - counts, counts)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=jet.device) - first
    return rank


def assemble(p: Particles, jets: int, rng: torch.Generator, error_factors: Tensor | None = None) -> Jets:
    """Assemble jets of at most `MAX_PARTICLES` particles, sorted by transverse momentum, relative to their own axis.

    Args:
        jets: B.
        rng: draws measured impact parameters.
        error_factors: factors on the errors of d0 and dz in each jet, (B, 2).
    """
    rank = _rank(p.jet, p.pt)
    fits = rank < MAX_PARTICLES
    p, rank = p[fits], rank[fits]
    energy, pt, eta, phi = _jet_axes(p, jets)
    slots = int(rank.max()) + 1 if len(rank) else 1

    def dense(value: Tensor) -> Tensor:
        return value.new_zeros(jets, slots).index_put((p.jet, rank), value)

    tracked = (p.charge != 0).float()
    noise = torch.randn(4, len(p.pt), generator=rng, device=p.pt.device)
    d0_error, dz_error = (tracked * (a**2 + (b / p.pt).square()).sqrt() for a, b in ((0.015, 0.05), (0.02, 0.07)))
    if error_factors is not None:
        d0_error, dz_error = d0_error * error_factors[p.jet, 0], dz_error * error_factors[p.jet, 1]
    four = from_pt_eta_phi_mass(p.pt, p.eta, p.phi, 0.0)
    return Jets(
        px=dense(four[:, 1]),
        py=dense(four[:, 2]),
        pz=dense(four[:, 3]),
        energy=dense(four[:, 0]),
        deta=dense((p.eta - eta[p.jet]) * eta[p.jet].sign()),
        dphi=dense(wrap(p.phi - phi[p.jet])),
        charge=dense(p.charge),
        is_charged_hadron=dense((p.kind == ParticleKind.CHARGED).float()),
        is_neutral_hadron=dense((p.kind == ParticleKind.NEUTRAL).float()),
        is_photon=dense((p.kind == ParticleKind.PHOTON).float()),
        is_electron=dense((p.kind == ParticleKind.ELECTRON).float()),
        is_muon=dense((p.kind == ParticleKind.MUON).float()),
        d0=dense(tracked * p.d0 + d0_error * noise[0]),
        d0_error=dense(d0_error),
        dz=dense(tracked * p.dz + dz_error * noise[1]),
        dz_error=dense(dz_error),
        jet_pt=pt.unsqueeze(1),
        jet_energy=energy.unsqueeze(1),
        mask=dense(torch.ones_like(p.pt)).bool(),
    )
