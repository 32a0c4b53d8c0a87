"""Find and fit secondary vertices of displaced tracks, alike for jets of files and for pseudo-jets.

Straight tracks from a point (x, y, z) have, in the signs of JetClass, impact parameters that are linear in it,

    d0 = x sin(phi) - y cos(phi),    dz = z - (x cos(phi) + y sin(phi)) sinh(eta),

so that a vertex is a weighted least-squares fit. Tracks that do not fit are weighed down, first gently, then sharply
(W. Waltenberger, R. Fruehwirth and P. Vanlaer, J. Phys. G 34 (2007) N343, the adaptive fit of CMS). Groups of tracks
are sought around the most significant ones left, as CMS's inclusive vertex finder does.

Shapes: B jets, P particles, V vertices. GeV, cm, radians.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from zskt.jets.angles import wrap
from zskt.jets.axis import PION_MASS
from zskt.jets.collections import Collection

MAX_VERTICES = 6  # vertices a jet
MIN_TRACK_SIGNIFICANCE = 2.0  # of a track's impact parameter in space
MAX_IMPACT_PARAMETER = 0.3  # cm: impact parameters beyond are of strange hadrons and photons that converted
SEED_RADIUS = 0.3  # about the seed, in eta-phi
CHI2_CUT = 9.0  # chi2 at which a track counts half
TEMPERATURES = (256.0, 64.0, 16.0, 4.0, 1.0)  # how sharply, from one round of the fit to the next
MIN_FLIGHT_SIGNIFICANCE, MIN_COSINE = 3.0, 0.9  # significance of a vertex, and where its momentum has to point
POSITION_PRIOR = 5.0  # cm: no vertex is far outside the beam pipe
VERTEX_COLUMNS = (
    "pt",
    "eta",
    "phi",
    "mass",
    "energy",
    "tracks",
    "norm_chi2",
    "dxy",
    "dxy_sig",
    "d3d",
    "d3d_sig",
    "cos_theta",
)


def find_vertices(particles: Collection, jet: Mapping[str, Tensor]) -> Collection:
    """Find vertices of at least two tracks that lie apart from the primary one, by falling significance.

    Args:
        particles: particles with the columns of tracks of `zskt.jets.tracks`.
        jet: columns of the jet, (B, 1).
    """
    significance = particles["sip3d_sig"].detach()
    free = particles.mask & (particles["track"] > 0) & (significance.abs() > MIN_TRACK_SIGNIFICANCE)
    free = free & (particles["dxy"].abs() < MAX_IMPACT_PARAMETER) & (particles["dz"].abs() < MAX_IMPACT_PARAMETER)
    vertices: list[dict[str, Tensor]] = []
    for _ in range(MAX_VERTICES):
        if not bool((free.sum(1) > 1).any()):
            break
        seed = torch.where(free, significance.abs(), -1.0).argmax(1, keepdim=True)
        near = _distance(particles, particles["eta"].gather(1, seed), particles["phi"].gather(1, seed)) < SEED_RADIUS
        vertex, used = _fit(particles, free & near.detach())
        vertices.append(vertex)
        free = free & ~used
        free = free.scatter(1, seed, False)  # whatever became of it, it seeds no other
    if not vertices:
        zero = torch.zeros_like(jet["pt"])
        return Collection(dict.fromkeys(VERTEX_COLUMNS, zero), zero.bool())
    columns = {name: torch.stack([vertex[name] for vertex in vertices], 1) for name in VERTEX_COLUMNS}
    good = (
        (columns["tracks"] >= 2) & (columns["dxy_sig"] > MIN_FLIGHT_SIGNIFICANCE) & (columns["cos_theta"] > MIN_COSINE)
    )
    order = torch.argsort(torch.where(good, columns["dxy_sig"].detach(), -1.0), dim=1, descending=True, stable=True)
    return Collection({k: torch.where(good, v, torch.zeros_like(v)) for k, v in columns.items()}, good).ordered(order)


def _distance(c: Collection, eta: Tensor, phi: Tensor) -> Tensor:
    dphi = wrap(c["phi"] - phi)
    return ((c["eta"] - eta).square() + dphi.square()).sqrt()


def _solve(c: Collection, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Fit the point (B, 3) of weighted tracks (B, P), its covariance (B, 3, 3), and each track's chi2 to it (B, P)."""
    sine, cosine, slope = c["phi"].sin(), c["phi"].cos(), c["eta"].sinh()
    zero, one = torch.zeros_like(sine), torch.ones_like(sine)
    rows = torch.stack(
        [torch.stack([sine, -cosine, zero], -1), torch.stack([-cosine * slope, -sine * slope, one], -1)], -2
    )
    measured = torch.stack([-c["dxy"], c["dz"]], -1)  # (B, P, 2), in the signs of JetClass
    errors = torch.stack([c["dxy_error"], c["dz_error"]], -1).clamp(min=5e-4)
    inverse = 1 / errors.square()
    scaled = weight.unsqueeze(-1) * inverse
    information = torch.einsum("bpm,bpmi,bpmj->bij", scaled, rows, rows)
    information = information + torch.eye(3, device=sine.device) / POSITION_PRIOR**2
    covariance = torch.linalg.inv(information.double()).to(sine.dtype)
    point = (covariance @ torch.einsum("bpm,bpmi,bpm->bi", scaled, rows, measured).unsqueeze(-1)).squeeze(-1)
    residual = measured - torch.einsum("bpmi,bi->bpm", rows, point)
    return point, covariance, (inverse * residual.square()).sum(-1)


def _fit(c: Collection, group: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """Fit the vertex of a group of tracks (B, P).

    Returns:
        Columns (B,), meaningless without tracks, and the tracks of the vertex, (B, P) of bool.
    """
    weight = group.float()
    for temperature in TEMPERATURES:
        _, _, chi2 = _solve(c, weight)
        weight = group * torch.sigmoid((CHI2_CUT - chi2.detach()) / (2 * temperature))
    point, covariance, chi2 = _solve(c, weight)
    used = group & (weight > 0.5)
    count = used.sum(1).float()
    energy, momentum = _sum(c, used.float())
    transverse = (point[:, :2].square().sum(1) + 1e-10).sqrt()
    flight = (point.square().sum(1) + 1e-10).sqrt()
    across, along = point[:, :2] / transverse.unsqueeze(1), point / flight.unsqueeze(1)
    error2d = torch.einsum("bi,bij,bj->b", across, covariance[:, :2, :2], across).clamp(min=1e-10).sqrt()
    error3d = torch.einsum("bi,bij,bj->b", along, covariance, along).clamp(min=1e-10).sqrt()
    pt = (momentum[:, :2].square().sum(1) + 1e-9).sqrt()
    size = (momentum.square().sum(1) + 1e-9).sqrt()
    columns = {
        "pt": pt, "eta": torch.asinh(momentum[:, 2] / pt), "phi": torch.atan2(momentum[:, 1], momentum[:, 0] + 1e-9),
        "mass": (energy.square() - size.square()).clamp(min=1e-6).sqrt(), "energy": energy, "tracks": count,
        "norm_chi2": (weight * chi2).sum(1) / (2 * count - 3).clamp(min=1),
        "dxy": transverse, "dxy_sig": transverse / error2d, "d3d": flight, "d3d_sig": flight / error3d,
        "cos_theta": (along * momentum).sum(1) / size,
    }  # fmt: skip
    return columns, used


def _sum(c: Collection, w: Tensor) -> tuple[Tensor, Tensor]:
    """Sum the energy (B,) and the momentum (B, 3) of weighted tracks, all taken for pions."""
    pt, eta, phi = c["pt"], c["eta"], c["phi"]
    p = torch.stack([pt * phi.cos(), pt * phi.sin(), pt * eta.sinh()], -1)
    energy = (PION_MASS**2 + p.square().sum(-1)).sqrt()
    return (w * energy).sum(1), (w.unsqueeze(-1) * p).sum(1)
