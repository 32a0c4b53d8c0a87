"""Parton shower and hadronisation in the Lund plane, vectorised over all partons of a batch, differentiable.

Angular-ordered emissions, uniform in the plane of ln(1/theta) and ln kt but for the running coupling and the
splitting functions (B. Andersson et al., Z. Phys. C 43 (1989) 625; R. K. Ellis, W. J. Stirling and B. R. Webber,
"QCD and collider physics", chapters 5 and 6). The plane's lower edge, kt of a few hundred MeV, is where hadrons form.
Angles and momentum fractions are differentiable functions of the parents and of the parameters; emissions are sampled.

Shapes: N partons or hadrons of all jets in one flat list. Angles in the plane of pseudorapidity and azimuth; GeV.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from generators.jets.hard_process import PARTON_MASSES, Flavour

C_F, C_A, T_R, N_F = 4 / 3, 3.0, 0.5, 4
"""Colour factors, and number of flavours in the splitting of gluons."""
KT_CUTOFF = 0.5
"""Smallest kt of an emission, GeV; hadrons fill the plane below."""
LAMBDA_QCD = 0.25
"""GeV: the one-loop coupling is 0.13 at the Z mass, and 1.1 at the cutoff."""
MAX_TRIALS = 60
"""Most trial emissions per parton; in practice all lists are empty after about 30."""


@dataclass(frozen=True)
class Partons:
    """A flat list of partons or hadrons; every field (N,)."""

    jet: Tensor
    """Index of the jet that it belongs to."""
    flavour: Tensor
    pt: Tensor
    eta: Tensor
    phi: Tensor
    start: Tensor
    """Angle below which it is resolved as a parton of its own: its string begins there."""
    scale: Tensor
    """Angle of its last emission: the next one is narrower."""

    def __getitem__(self, rows: Tensor) -> Partons:
        # Rows are looked for once, not once a field.
        index = rows.nonzero().squeeze(1) if rows.dtype == torch.bool else rows
        return Partons(*(getattr(self, f.name).index_select(0, index) for f in fields(self)))


def join_partons(lists: list[Partons]) -> Partons:
    """Join lists of partons, in the order of the lists."""
    return Partons(*(torch.cat([getattr(p, f.name) for p in lists]) for f in fields(Partons)))


def coupling(kt: Tensor) -> Tensor:
    """One-loop strong coupling with four flavours, frozen below the cutoff, at kt in GeV."""
    return 12 * math.pi / (25 * 2) / torch.log(kt.clamp(min=KT_CUTOFF) / LAMBDA_QCD)


MAX_COUPLING = 12 * math.pi / (25 * 2) / math.log(KT_CUTOFF / LAMBDA_QCD)
"""The coupling at the cutoff."""


def _splitting(x: Tensor, gluon: Tensor) -> tuple[Tensor, Tensor]:
    """Splitting function over its bound 2C/x, and its part g -> q qbar; x is the momentum fraction of the emission."""
    quark = (1 + (1 - x).square()) / 2
    pair = T_R * N_F * (x.square() + (1 - x).square()) / (2 * C_A / x)
    split = (1 - x) + x.square() * (1 - x) / 2
    return torch.where(gluon, split + pair, quark), torch.where(gluon, pair, torch.zeros_like(pair))


def _trial(p: Partons, strength: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Try one emission of each parton: angle, momentum fraction, whether it is accepted, and the shower continues."""
    u = torch.rand(4, len(p.pt), generator=rng, device=p.pt.device)
    gluon = p.flavour == Flavour.GLUON
    colour = torch.where(gluon, C_A, C_F)
    height = torch.log(p.pt * p.scale / KT_CUTOFF).clamp(min=0)  # of the Lund triangle below the last angle
    rate = colour * strength * MAX_COUPLING / math.pi
    squared = height.square() + u[0].clamp(min=1e-12).log() / rate
    alive = squared > 1e-4
    height = squared.clamp(min=1e-4).sqrt()
    theta = KT_CUTOFF * height.exp() / p.pt
    x = (-height * u[1]).exp()
    weight, _ = _splitting(x, gluon)
    acceptance = weight * coupling(x * theta * p.pt) / MAX_COUPLING
    dead_cone = theta > PARTON_MASSES.to(u.device)[p.flavour] / p.pt
    accepted = alive & dead_cone & (u[2] < acceptance) & (x < 0.98)
    return theta, x, accepted, alive & (theta * p.pt > KT_CUTOFF)


def _split(p: Partons, theta: Tensor, x: Tensor, rng: torch.Generator) -> list[Partons]:
    """Split partons at accepted emissions; the pT-weighted mean direction is conserved."""
    u = torch.rand(2, len(x), generator=rng, device=x.device)
    gluon = p.flavour == Flavour.GLUON
    weight, pair = _splitting(x, gluon)
    to_quarks = u[0] < pair / weight
    azimuth = 2 * math.pi * u[1]
    deta, dphi = theta * azimuth.cos(), theta * azimuth.sin()
    light = torch.full_like(p.flavour, Flavour.LIGHT)
    # g -> c cbar in a quarter of the pairs whose kt allows it; b bbar is rarer and left out.
    light[(azimuth < math.pi / 2) & (x * (1 - x) * theta * p.pt > 2 * 1.5)] = Flavour.CHARM
    flavour = torch.where(to_quarks, light, p.flavour)
    emitted_flavour = torch.where(to_quarks, light, torch.full_like(light, Flavour.GLUON))
    return [
        Partons(p.jet, flavour, (1 - x) * p.pt, p.eta - x * deta, p.phi - x * dphi, p.start, theta),
        Partons(p.jet, emitted_flavour, x * p.pt, p.eta + (1 - x) * deta, p.phi + (1 - x) * dphi, theta, theta),
    ]


def shower(partons: Partons, strength: Tensor, rng: torch.Generator) -> Partons:
    """Shower partons: all perturbative emissions.

    Args:
        partons: coloured ones only.
        strength: (B,), multiplies the strong coupling of each jet.
    """
    finished: list[Partons] = []
    for _ in range(MAX_TRIALS):
        theta, x, accepted, continues = _trial(partons, strength[partons.jet], rng)
        finished.append(partons[~continues])
        vetoed, split = partons[continues & ~accepted], partons[accepted & continues]
        lowered = theta[continues & ~accepted]
        vetoed = Partons(vetoed.jet, vetoed.flavour, vetoed.pt, vetoed.eta, vetoed.phi, vetoed.start, lowered)
        partons = join_partons([vetoed, *_split(split, theta[accepted & continues], x[accepted & continues], rng)])
        if not len(partons.pt):
            break
    return join_partons([*finished, partons])


@dataclass(frozen=True)
class StringParameters:
    """Parameters of hadronisation, (B,) each."""

    density: Tensor
    """Hadrons per unit of ln(1/theta) along a quark's string; a gluon pulls two strings."""
    kt: Tensor
    """Mean transverse momentum of a hadron about the string, GeV."""
    lead: Tensor
    """Each parton draws the least momentum fraction of its leading hadron between 0 and this; heavy quarks
    draw theirs about `HEAVY_LEADING_FRACTION`."""


HEAVY_LEADING_FRACTION = {Flavour.CHARM: 0.6, Flavour.BOTTOM: 0.8}
"""Mean of the least momentum fraction of a heavy hadron in its quark's, which is drawn evenly up to 0.98 and as
far below (Peterson et al., Phys. Rev. D 27 (1983) 105)."""


def hadronise(partons: Partons, string: StringParameters, rng: torch.Generator) -> tuple[Partons, Tensor]:
    """Hadronise partons: hadrons along each parton's string and a leading one, which share its momentum.

    Returns:
        the hadrons, with the flavour of the parton, and which of them are leading, (N,) of bool.
    """
    density, kt = string.density[partons.jet], string.kt[partons.jet]
    length = torch.log((partons.pt * partons.start / kt).clamp(min=1.0))
    strings = torch.where(partons.flavour == Flavour.GLUON, C_A / C_F, 1.0)
    # Hadrons beside the leading one; where there are none, it takes all of the parton's momentum.
    count = torch.poisson((density * strings * length).detach(), generator=rng).long()
    owner = torch.arange(len(count), device=count.device).repeat_interleave(count)
    u = torch.rand(3, len(owner), generator=rng, device=count.device).clamp(1e-6, 1 - 1e-6)
    kt_hadron = kt[owner] * (-(u[0].log()))
    theta = partons.start[owner] * (-u[1] * length[owner]).exp()
    pt = kt_hadron / theta
    total = torch.zeros_like(partons.pt).index_add(0, owner, pt)
    fraction = string.lead[partons.jet] * torch.rand(len(count), generator=rng, device=count.device)
    for flavour, mean_fraction in HEAVY_LEADING_FRACTION.items():
        heavy = mean_fraction + (0.98 - mean_fraction) * (2 * fraction / (string.lead[partons.jet] + 1e-6) - 1)
        fraction = torch.where(partons.flavour == flavour, heavy, fraction)
    lead = torch.maximum(partons.pt - total, fraction / (1 - fraction) * total)
    lead = torch.where(count > 0, lead, partons.pt)
    share = partons.pt / (lead + total)
    azimuth = 2 * math.pi * u[2]
    hadrons = Partons(
        partons.jet[owner],
        partons.flavour[owner],
        pt * share[owner],
        partons.eta[owner] + theta * azimuth.cos(),
        partons.phi[owner] + theta * azimuth.sin(),
        theta,
        theta,
    )
    leading = Partons(
        partons.jet, partons.flavour, lead * share, partons.eta, partons.phi, partons.start, partons.scale
    )
    is_leading = torch.zeros(len(owner) + len(count), dtype=torch.bool, device=count.device)
    is_leading[len(owner) :] = True
    return join_partons([hadrons, leading]), is_leading
