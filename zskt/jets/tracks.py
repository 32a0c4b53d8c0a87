"""Pseudo-jets and simulated jets as an experiment would reconstruct them: tracks with hits, and secondary vertices.

JetClass-like jets hold momenta, kinds and impact parameters. What else a tagger of CMS looks at follows from them
(signed impact parameters, distances to the jet's axis, secondary vertices) or is typical of the detector (hits, quality
of the fit). The latter is drawn from numbers that belong to the particle itself, so that the same jet is always
reconstructed alike, in whichever batch.

Straight lines stand for tracks: within the beam pipe they are. Shapes: B jets, P slots. GeV, cm, radians here; `Jets`
has mm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from zskt.jets.axis import rapidity_about
from zskt.jets.collections import Collection, ReconstructedJets, empty
from zskt.jets.jets import Jets
from zskt.jets.vertices import find_vertices

LEAST_TRACK_PT = 0.95  # GeV: CMS keeps no track of softer candidates in MiniAOD
SEED = 3  # of a particle's own random numbers; another one is another detector
INNER_HITS = ((0.86, -1.0), (0.95, 0.0), (0.98, 1.0), (1.0, 2.0))
"""Cumulative probability of each code of `lostInnerHits` for tracks from within the beam pipe: -1 is a hit in the first
layer, 0 no lost hit behind it."""
BEAM_PIPE = 2.2  # cm: a track born outside has no hit within
FAR = 0.1  # cm along the beam: such a track is of another collision
FAT = 0.8  # radius of the jets in JetClass
LOST = 0.04  # share of tracks that belong to no particle


def own_random(jets: Jets, count: int) -> Tensor:
    """``count`` numbers in (0, 1) for each particle, that depend on its momentum alone: (count, B, P)."""
    bits = [t.detach().float().contiguous().view(torch.int32).long() for t in (jets.px, jets.py, jets.pz)]
    state = bits[0] * 73_856_093 ^ bits[1] * 19_349_663 ^ bits[2] * 83_492_791 ^ SEED
    found = []
    for _ in range(count):  # a linear congruential generator of 48 bits, its upper half used
        state = (state * 25_214_903_917 + 11) & ((1 << 48) - 1)
        found.append(((state >> 24) + 0.5) / (1 << 24))
    return torch.stack(found).float()


def narrowed(jets: Jets, radius: float) -> Tensor:
    """Which particles lie in the hardest cone of that radius, (B, P) of bool: found from the hardest particle."""
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
    """Jets with all that a tagger may ask of them.

    Args:
        radius: of the tagger's jets; what lies outside the hardest cone is dropped from wider ones.
        lost: whether some tracks belong to no particle.
    """
    keep = narrowed(jets, radius) if radius < FAT else jets.mask
    u = own_random(jets, 7)
    if lost:
        gone = keep & (jets.charge != 0) & (jets.pt > LEAST_TRACK_PT) & (u[6] < LOST)
        keep = keep & ~gone
    axis, jet = _axis(jets, keep)
    particles = _particles(jets, keep, axis, u)
    by_pt = torch.argsort(torch.where(keep, particles["pt"].detach(), -1.0), dim=1, descending=True, stable=True)
    vertices = find_vertices(particles, jet)
    if not lost:
        without = empty(len(keep), tuple(particles.columns), keep.device)
        return ReconstructedJets(jet, particles.ordered(by_pt), vertices, without)
    tracks = _particles(jets, gone, axis, u)
    tracks = Collection({**tracks.columns, "is_lost_track": gone.float()}, gone)
    order = torch.argsort(torch.where(gone, tracks["pt"].detach(), -1.0), dim=1, descending=True, stable=True)
    return ReconstructedJets(jet, particles.ordered(by_pt), vertices, tracks.ordered(order))


def _axis(jets: Jets, keep: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The jet's direction, (B, 1, 3) of unit length, and its columns, (B, 1)."""
    energy, px, py, pz = ((t * keep).sum(1, keepdim=True) for t in (jets.energy, jets.px, jets.py, jets.pz))
    pt = (px.square() + py.square() + 1e-9).sqrt()
    momentum = (pt.square() + pz.square()).sqrt()
    mass = (energy.square() - momentum.square()).clamp(min=1e-6).sqrt()
    jet = {"pt": pt, "eta": torch.asinh(pz / pt), "phi": torch.atan2(py, px), "mass": mass, "energy": energy}
    return torch.stack([px, py, pz], -1) / momentum.unsqueeze(-1), jet


def _particles(jets: Jets, keep: Tensor, axis: Tensor, u: Tensor) -> Collection:
    """All columns of particles."""
    pt = jets.pt
    track = keep & (jets.charge != 0) & (pt > LEAST_TRACK_PT)
    mass2 = jets.energy.square() - jets.px.square() - jets.py.square() - jets.pz.square()
    columns = {
        "pt": pt, "eta": torch.asinh(jets.pz / pt.clamp(min=1e-6)),
        "phi": torch.atan2(jets.py, torch.where(keep, jets.px, 1.0)),  # of nothing there is no azimuth, nor a gradient
        "energy": jets.energy, "mass": mass2.clamp(min=0).detach().sqrt(), "charge": jets.charge,
        "is_electron": jets.is_electron, "is_muon": jets.is_muon, "is_photon": jets.is_photon,
        "is_charged_hadron": jets.is_charged_hadron, "is_neutral_hadron": jets.is_neutral_hadron,
        "is_lost_track": torch.zeros_like(pt), "puppi": torch.ones_like(pt),
    }  # fmt: skip
    tracked = {
        "track": torch.ones_like(pt), "dxy": -jets.d0 / 10, "dxy_error": jets.d0_error / 10,
        "dz": jets.dz / 10, "dz_error": jets.dz_error / 10,
    }  # fmt: skip
    momentum = torch.stack([jets.px, jets.py, jets.pz], -1)
    tracked |= along_axis(momentum, {**columns, **tracked}, axis)
    tracked |= _hits(columns["eta"], tracked, u)
    columns |= {name: torch.where(track, value, torch.zeros_like(value)) for name, value in tracked.items()}
    columns["lost_inner_hits"] = torch.where(track, columns["lost_inner_hits"], -1.0)  # as CMS unpacks none at all
    columns |= _without_track(track, tracked["dz"], u)
    return Collection({name: value * keep for name, value in columns.items()}, keep)


def along_axis(p: Tensor, t: Mapping[str, Tensor], axis: Tensor) -> dict[str, Tensor]:
    """Where each track passes the primary vertex and the jet's axis, signed as in CMSSW's IPTools.

    Args:
        p: momenta, (B, P, 3).
        t: columns eta, phi, dxy, dz and their errors, (B, P).
        axis: direction of each jet, (B, 1, 3).
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
        "eta_rel": rapidity_about(size, parallel * size), "pt_ratio": skew, "ppar_ratio": parallel,
        "sip2d": torch.where(in_plane >= 0, 1.0, -1.0) * t["dxy"].abs(),
        "sip3d": sign * in_space, "sip3d_sig": sign * in_space / error,
        "jet_distance": -((point * normal).sum(-1) / skew).abs(),
        "decay_length": ((point * axis).sum(-1) / skew.square()).clamp(-50, 50),
    }  # fmt: skip


def _hits(eta: Tensor, t: dict[str, Tensor], u: Tensor) -> dict[str, Tensor]:
    """What is typical of a track in CMS's pixel and strip detectors; fewer hits from outside the beam pipe."""
    far = t["dxy"].detach().abs() > BEAM_PIPE * 0.2
    pixel = 4.0 - (u[0] > 0.8).float() - (u[0] > 0.95).float() - far.float()
    strips = (8.5 + 2.5 * _normal(u[1]) - 1.5 * (eta.detach().abs() > 1.5).float()).round().clamp(0, 14)
    lost = torch.zeros_like(eta)
    before = 0.0
    for until, code in INNER_HITS:
        lost = torch.where((u[2] > before) & (u[2] <= until), code, lost)
        before = until
    lost = torch.where(far, lost.clamp(min=0.0), lost)
    chi2 = torch.exp(-0.35 + 0.45 * _normal(u[3]))  # chi2 / ndof of some twenty hits
    return {"pixel_hits": pixel, "strip_hits": strips, "lost_inner_hits": lost, "norm_chi2": chi2,
            "track_quality": torch.full_like(eta, 5.0)}  # fmt: skip


def _without_track(track: Tensor, dz: Tensor, u: Tensor) -> dict[str, Tensor]:
    """What candidates without a track hold, too: how surely they come from the primary vertex, in CMS's codes."""
    quality = torch.where(u[4] < 0.75, 7.0, torch.where(u[4] < 0.85, 6.0, 5.0))
    other = dz.detach().abs() > FAR
    quality = torch.where(other, (u[4] < 0.9).float(), quality)
    origin = torch.where(other, (u[4] < 0.9).float(), torch.where(quality >= 6, 3.0, 2.0))
    return {"vertex_quality": torch.where(track, quality, 7.0), "from_pv": torch.where(track, origin, 3.0)}


def _normal(u: Tensor) -> Tensor:
    """Normal quantiles of numbers in (0, 1)."""
    return math.sqrt(2) * torch.erfinv(2 * u - 1)
