"""Reconstruct pseudo-jets and simulated jets as an experiment would: tracks with hits, and secondary vertices.

JetClass-like jets hold momenta, kinds and impact parameters. What else a tagger of CMS takes follows from them (signed
impact parameters, distances to the jet's axis, secondary vertices) or is typical of the detector (hits, quality of the
fit). The latter is drawn from random numbers that depend on the particle's momentum alone, so that the same jet is
always reconstructed alike, in whichever batch.

Tracks are straight lines, which within the beam pipe they are. Shapes: B jets, P slots. GeV, cm, radians here; `Jets`
has mm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from zskt.jets.axis import azimuth, rapidity_along
from zskt.jets.collections import OF_EVERY_PARTICLE, Collection, ReconstructedJets, empty
from zskt.jets.jets import JETCLASS_RADIUS, Jets, JetsOfFile
from zskt.jets.vertices import find_vertices

MIN_TRACK_PT = 0.95  # GeV: CMS keeps no track of softer candidates in MiniAOD; JetClass has no such cut
PARTICLE_SEED = 3  # seed of the particles' random numbers; another one is another detector
INNER_HIT_CODES = ((0.86, -1.0), (0.95, 0.0), (0.98, 1.0), (1.0, 2.0))
"""Cumulative probability of each code of `lostInnerHits` for tracks from within the beam pipe: -1 is a hit in the first
layer, 0 no lost hit behind it."""
BEAM_PIPE_RADIUS = 2.2  # cm: a track born outside has no hit within
MIN_PILEUP_DZ = 0.1  # cm along the beam: farther tracks are of another collision
LOST_TRACK_SHARE = 0.04  # tracks that belong to no particle


def particle_random(jets: Jets, count: int) -> Tensor:
    """Draw ``count`` numbers in (0, 1) for each particle, which depend on its momentum alone: (count, B, P)."""
    bits = [t.detach().float().contiguous().view(torch.int32).long() for t in (jets.px, jets.py, jets.pz)]
    state = bits[0] * 73_856_093 ^ bits[1] * 19_349_663 ^ bits[2] * 83_492_791 ^ PARTICLE_SEED
    numbers = []
    for _ in range(count):  # a linear congruential generator of 48 bits, its upper half used
        state = (state * 25_214_903_917 + 11) & ((1 << 48) - 1)
        numbers.append(((state >> 24) + 0.5) / (1 << 24))
    return torch.stack(numbers).float()


def hardest_cone(jets: Jets, radius: float) -> Tensor:
    """Select the particles in the hardest cone of that radius, (B, P) of bool, starting from the hardest particle."""
    pt, keep = jets.pt.detach() * jets.mask, jets.mask
    centre = [t.detach().gather(1, pt.argmax(1, keepdim=True)) for t in (jets.deta, jets.dphi)]
    for _ in range(3):
        distance = (jets.deta - centre[0]).square() + (jets.dphi - centre[1]).square()
        keep = jets.mask & (distance.detach() < radius**2)
        weight = pt * keep
        centre = [(weight * t.detach()).sum(1, keepdim=True) / weight.sum(1, keepdim=True).clamp(min=1e-6)
                  for t in (jets.deta, jets.dphi)]  # fmt: skip
    return keep


def reconstruct(jets: Jets, radius: float, *, lost: bool = False) -> ReconstructedJets:
    """Reconstruct jets with every column that a tagger may take.

    Args:
        jets: pseudo-jets or simulated jets.
        radius: radius of the tagger's jets; what lies outside the hardest cone is dropped from wider ones.
        lost: whether some tracks belong to no particle.
    """
    keep = hardest_cone(jets, radius) if radius < JETCLASS_RADIUS else jets.mask
    u = particle_random(jets, 7)
    if lost:
        is_lost = keep & (jets.charge != 0) & (jets.pt > MIN_TRACK_PT) & (u[6] < LOST_TRACK_SHARE)
        keep = keep & ~is_lost
    axis, jet = _axis(jets, keep)
    particles = _particles(jets, keep, axis, u)
    by_pt = torch.argsort(torch.where(keep, particles["pt"].detach(), -1.0), dim=1, descending=True, stable=True)
    vertices = find_vertices(particles, jet)
    if not lost:
        without = empty(len(keep), tuple(particles.columns), keep.device)
        return ReconstructedJets(jet, particles.ordered(by_pt), vertices, without)
    tracks = _particles(jets, is_lost, axis, u)
    tracks = Collection({**tracks.columns, "is_lost_track": is_lost.float()}, is_lost)
    order = torch.argsort(torch.where(is_lost, tracks["pt"].detach(), -1.0), dim=1, descending=True, stable=True)
    return ReconstructedJets(jet, particles.ordered(by_pt), vertices, tracks.ordered(order))


def _axis(jets: Jets, keep: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the jet's direction, (B, 1, 3) of unit length, and its columns, (B, 1)."""
    energy, px, py, pz = ((t * keep).sum(1, keepdim=True) for t in (jets.energy, jets.px, jets.py, jets.pz))
    pt = (px.square() + py.square() + 1e-9).sqrt()
    momentum = (pt.square() + pz.square()).sqrt()
    mass = (energy.square() - momentum.square()).clamp(min=1e-6).sqrt()
    own = {"pt": pt, "eta": torch.asinh(pz / pt), "phi": azimuth(px, py), "mass": mass, "energy": energy}
    jet = {**jets.named_of_jet, **own} if isinstance(jets, JetsOfFile) else own
    return torch.stack([px, py, pz], -1) / momentum.unsqueeze(-1), jet


def _particles(jets: Jets, keep: Tensor, axis: Tensor, u: Tensor) -> Collection:
    """Compute all columns of the particles that ``keep`` selects."""
    pt = jets.pt
    track = keep & (jets.charge != 0) & (pt > MIN_TRACK_PT)
    mass2 = jets.energy.square() - jets.px.square() - jets.py.square() - jets.pz.square()
    columns = {
        "pt": pt, "eta": torch.asinh(jets.pz / pt.clamp(min=1e-6)),
        "phi": azimuth(jets.px, jets.py),
        "energy": jets.energy, "mass": mass2.clamp(min=0).detach().sqrt(), "charge": jets.charge,
        "is_electron": jets.is_electron, "is_muon": jets.is_muon, "is_photon": jets.is_photon,
        "is_charged_hadron": jets.is_charged_hadron, "is_neutral_hadron": jets.is_neutral_hadron,
        "is_lost_track": torch.zeros_like(pt), "puppi": torch.ones_like(pt),
    }  # fmt: skip
    track_columns = {
        "track": torch.ones_like(pt), "dxy": -jets.d0 / 10, "dxy_error": jets.d0_error / 10,
        "dz": jets.dz / 10, "dz_error": jets.dz_error / 10,
    }  # fmt: skip
    momentum = torch.stack([jets.px, jets.py, jets.pz], -1)
    track_columns |= impact_parameters(momentum, {**columns, **track_columns}, axis)
    track_columns |= _hits(columns["eta"], track_columns, u)
    columns |= {name: torch.where(track, value, torch.zeros_like(value)) for name, value in track_columns.items()}
    columns["lost_inner_hits"] = torch.where(track, columns["lost_inner_hits"], -1.0)  # as CMS unpacks none at all
    columns |= _vertex_association(track, track_columns["dz"], u)
    columns |= {OF_EVERY_PARTICLE[name]: track_columns[name] for name in OF_EVERY_PARTICLE}
    columns = {**jets.named_of_particles, **columns} if isinstance(jets, JetsOfFile) else columns
    return Collection({name: value * keep for name, value in columns.items()}, keep)


def impact_parameters(p: Tensor, t: Mapping[str, Tensor], axis: Tensor) -> dict[str, Tensor]:
    """Compute where each track passes the primary vertex and the jet's axis, signed as in CMSSW's IPTools.

    Args:
        p: momenta, (B, P, 3).
        t: columns eta, phi, dxy, dz and their errors, (B, P).
        axis: direction of each jet, (B, 1, 3).

    Returns:
        Columns (B, P): signed impact parameters in the plane and in space, the significance of the latter, the distance
        to the jet's axis, the decay length along it, and momenta relative to it.
    """
    size = p.square().sum(-1).clamp(min=1e-9).sqrt()
    direction = p / size.unsqueeze(-1)
    parallel = (direction * axis).sum(-1).clamp(-1, 1)
    # The point of closest approach in the transverse plane, then along the track to the one in space.
    point = torch.stack([-t["dxy"] * t["phi"].sin(), t["dxy"] * t["phi"].cos(), t["dz"]], -1)
    point = point - (point * direction).sum(-1, keepdim=True) * direction
    in_space = point.square().sum(-1).clamp(min=1e-16).sqrt()
    sign = torch.where((point * axis).sum(-1) >= 0, 1.0, -1.0)
    in_plane = (point[..., :2] * axis[..., :2]).sum(-1)
    sine = 1 / t["eta"].cosh()
    error = (
        (t["dxy"] * t["dxy_error"]).square() + (t["dz"] * sine * t["dz_error"] * sine).square() + 1e-20
    ).sqrt() / in_space
    error = torch.where(in_space > 1e-7, error, t["dxy_error"]).clamp(min=1e-5)
    normal = torch.linalg.cross(direction, axis.expand_as(direction))
    skew = normal.square().sum(-1).clamp(min=1e-8).sqrt()
    return {
        "eta_rel": rapidity_along(size, parallel * size), "pt_ratio": skew, "ppar_ratio": parallel,
        "sip2d": torch.where(in_plane >= 0, 1.0, -1.0) * t["dxy"].abs(),
        "sip3d": sign * in_space, "sip3d_sig": sign * in_space / error,
        "jet_distance": -((point * normal).sum(-1) / skew).abs(),
        "decay_length": ((point * axis).sum(-1) / skew.square()).clamp(-50, 50),
    }  # fmt: skip


def _hits(eta: Tensor, t: dict[str, Tensor], u: Tensor) -> dict[str, Tensor]:
    """Draw hits that are typical of CMS's pixel and strip detectors; tracks from outside the beam pipe have fewer."""
    outside = t["dxy"].detach().abs() > BEAM_PIPE_RADIUS * 0.2
    pixel = 4.0 - (u[0] > 0.8).float() - (u[0] > 0.95).float() - outside.float()
    strips = (8.5 + 2.5 * _normal(u[1]) - 1.5 * (eta.detach().abs() > 1.5).float()).round().clamp(0, 14)
    inner = torch.zeros_like(eta)
    low = 0.0
    for high, code in INNER_HIT_CODES:
        inner = torch.where((u[2] > low) & (u[2] <= high), code, inner)
        low = high
    inner = torch.where(outside, inner.clamp(min=0.0), inner)
    chi2 = torch.exp(-0.35 + 0.45 * _normal(u[3]))  # chi2 / ndof of some twenty hits
    return {"pixel_hits": pixel, "strip_hits": strips, "lost_inner_hits": inner, "norm_chi2": chi2,
            "track_quality": torch.full_like(eta, 5.0)}  # fmt: skip


def _vertex_association(track: Tensor, dz: Tensor, u: Tensor) -> dict[str, Tensor]:
    """Draw how surely particles come from the primary vertex, in CMS's codes; those without a track have one, too."""
    quality = torch.where(u[4] < 0.75, 7.0, torch.where(u[4] < 0.85, 6.0, 5.0))
    pileup = dz.detach().abs() > MIN_PILEUP_DZ
    quality = torch.where(pileup, (u[4] < 0.9).float(), quality)
    origin = torch.where(pileup, (u[4] < 0.9).float(), torch.where(quality >= 6, 3.0, 2.0))
    return {"vertex_quality": torch.where(track, quality, 7.0), "from_pv": torch.where(track, origin, 3.0)}


def _normal(u: Tensor) -> Tensor:
    """Return the normal quantiles of numbers in (0, 1)."""
    return math.sqrt(2) * torch.erfinv(2 * u - 1)
