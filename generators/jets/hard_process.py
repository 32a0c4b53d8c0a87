"""Hard processes: the origins of a large-radius jet, as at most two levels of two-body decays.

    root -> A B,   A -> 1 2,   B -> 3 4

A or B may be final themselves, and the root as well (a single parton). Masses come from the PDG lines of the known
resonances or from a broad continuum, so that pseudo-jets also cover what no resonance makes.

Shapes: B jets, four final slots each. Masses and momenta in GeV (R. L. Workman et al., Review of Particle Physics).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from generators.jets.four_vectors import from_pt_eta_phi_mass, two_body


class Flavour(IntEnum):
    """Kinds of final partons; NONE marks an empty slot."""

    NONE = 0
    LIGHT = 1
    CHARM = 2
    BOTTOM = 3
    GLUON = 4
    ELECTRON = 5
    MUON = 6
    NEUTRINO = 7


PARTON_MASSES = torch.tensor([0.0, 0.0, 1.5, 4.8, 0.0, 0.0005, 0.106, 0.0])
"""Masses of partons and leptons in GeV, by `Flavour`."""

RESONANCES = {"W": (80.4, 2.1), "Z": (91.2, 2.5), "H": (125.0, 0.3), "t": (172.7, 1.4)}
"""Mass and width of each resonance, GeV. The Higgs boson's width is none of the Review's, which has 0.004: 0.3 was set
by hand, and is still far below what the mass of a jet resolves."""

BROAD_MASS_RANGE = (25.0, 250.0)
"""Range of masses in GeV of a "broad" root, which is no known resonance; uniform in the logarithm."""

N, Q, C, B, G, E, M, V = Flavour  # short names for the table of processes
Daughters = tuple[Flavour, Flavour]


@dataclass(frozen=True)
class Process:
    """A hard process. A branch is a final flavour, or the kind of its mass and its two daughters."""

    root: str
    """Name of a resonance, "broad", or "" for a single parton, which is then `a`."""
    a: Flavour | tuple[str, Daughters]
    b: Flavour | tuple[str, Daughters] = N
    weight: float = 1.0
    """Frequency in the prior, relative to the other processes."""


def _processes() -> tuple[Process, ...]:
    quarks: dict[str, list[Daughters]] = {"W": [(Q, Q), (Q, C)], "Z": [(Q, Q), (C, C), (B, B)]}
    leptons: list[Daughters] = [(E, V), (M, V)]
    processes = [Process("", flavour, weight=w) for flavour, w in ((Q, 2.0), (G, 2.0), (C, 0.5), (B, 0.5))]
    pairs: list[Daughters] = [(Q, Q), (C, C), (B, B), (G, G)]
    processes += [Process(root, *pair) for root in ("H", "broad") for pair in pairs]
    processes += [Process(v, *pair, weight=1 / len(quarks[v])) for v in quarks for pair in quarks[v]]
    processes += [Process("H", ("W", p), ("off", r), weight=0.4) for p in quarks["W"] for r in quarks["W"]]
    processes += [Process("H", ("Z", p), ("off", p), weight=0.15) for p in quarks["Z"]]
    processes += [Process("H", ("W", p), ("off", r), weight=0.25) for p in leptons for r in quarks["W"]]
    processes += [Process("H", ("W", r), ("off", p), weight=0.25) for p in leptons for r in quarks["W"]]
    processes += [Process("t", B, ("W", p), weight=0.5) for p in quarks["W"]]
    processes += [Process("t", B, ("W", p), weight=0.5) for p in leptons]
    processes += [Process("broad", flavour, ("any", p), weight=0.2) for flavour in (Q, B) for p in [*pairs, *leptons]]
    processes += [Process("broad", ("any", p), ("any", r), weight=0.2) for p in pairs for r in [*pairs, *leptons]]
    return tuple(processes)


PROCESSES = _processes()
"""Every hard process of the prior."""


def _process_table() -> dict[str, Tensor]:
    """Table of the processes as tensors, one row each."""
    names = ["", "broad", "any", "off", *RESONANCES]
    rows: dict[str, list[list[int]]] = {"masses": [], "flavours": []}
    for p in PROCESSES:
        branches = [branch if isinstance(branch, tuple) else ("", (branch, N)) for branch in (p.a, p.b)]
        rows["masses"].append([names.index(kind) for kind in (p.root, *(kind for kind, _ in branches))])
        rows["flavours"].append([int(f) for _, pair in branches for f in pair])
    return {name: torch.tensor(row) for name, row in rows.items()}


_TABLE = _process_table()
_RESONANCE_MASSES = torch.tensor([0.0, 0.0, 0.0, 0.0, *(m for m, _ in RESONANCES.values())])
_RESONANCE_WIDTHS = torch.tensor([0.0, 0.0, 0.0, 0.0, *(w for _, w in RESONANCES.values())])


def _breit_wigner(kind: Tensor, u: Tensor) -> Tensor:
    """Breit-Wigner mass at quantile ``u``, cut at about ten half-widths."""
    u = 0.03 + 0.94 * u
    return _RESONANCE_MASSES.to(u.device)[kind] + _RESONANCE_WIDTHS.to(u.device)[kind] / 2 * torch.tan(
        torch.pi * (u - 0.5)
    )


def _masses(kinds: Tensor, daughters: Tensor, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Masses of root, A and B, (B,) each, from kinds (B, 3), masses of final partons (B, 4), and quantiles (B, 3)."""
    low, high = BROAD_MASS_RANGE
    root = torch.where(kinds[:, 0] == 1, low * (high / low) ** u[:, 0], _breit_wigner(kinds[:, 0], u[:, 0]))
    floor_a, floor_b = daughters[:, :2].sum(1) + 0.1, daughters[:, 2:].sum(1) + 0.1
    available = (root - floor_a - floor_b).clamp(min=1.0)
    branch = floor_a + 0.6 * available * u[:, 1]  # "any"
    a = torch.where(kinds[:, 1] == 2, branch, _breit_wigner(kinds[:, 1], u[:, 1]))
    a = torch.where(kinds[:, 1] == 0, daughters[:, 0], a)
    remaining = (root - a - floor_b).clamp(min=0.5)
    # A virtual boson's mass: m^1.2 approximates matrix element and phase space of H -> V V* below its end point.
    off_shell = floor_b + 0.97 * remaining * torch.where(kinds[:, 2] == 3, u[:, 2].clamp(min=1e-4) ** 0.45, u[:, 2])
    b = torch.where(kinds[:, 2] >= 4, _breit_wigner(kinds[:, 2], u[:, 2]), off_shell)
    return root, a, torch.where(kinds[:, 2] == 0, daughters[:, 2], b)


def decay(
    process: Tensor, pt: Tensor, eta: Tensor, phi: Tensor, masses: Tensor, angles: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Decay the root of each jet into its final partons.

    Args:
        process: (B,), rows of `PROCESSES`.
        pt, eta, phi: (B,) each, of the root.
        masses: (B, 3), quantiles in (0, 1) of the masses of root, A and B.
        angles: (B, 3, 2), quantiles of cosine and azimuth of the decays of root, A and B.

    Returns:
        four-vectors (B, 4, 4), flavours (B, 4), and masses of root, A and B, (B, 3).
    """
    kinds = _TABLE["masses"].to(pt.device)[process]
    flavours = _TABLE["flavours"].to(pt.device)[process]
    m = PARTON_MASSES.to(pt.device)[flavours]
    root, mass_a, mass_b = _masses(kinds, m, masses)
    root = torch.maximum(root, mass_a + mass_b + 0.5)
    cosine, azimuth = 2 * angles[..., 0] - 1, 2 * torch.pi * angles[..., 1]
    p = from_pt_eta_phi_mass(pt, eta, phi, root)
    a, b = two_body(p, root, mass_a, mass_b, cosine[:, 0], azimuth[:, 0])
    a1, a2 = two_body(a, mass_a.clamp(min=0.1), m[:, 0], m[:, 1], cosine[:, 1], azimuth[:, 1])
    b1, b2 = two_body(b, mass_b.clamp(min=0.1), m[:, 2], m[:, 3], cosine[:, 2], azimuth[:, 2])
    single = (kinds[:, 0] == 0).unsqueeze(1)
    final_a, final_b = (kinds[:, 1] == 0).unsqueeze(1), (kinds[:, 2] == 0).unsqueeze(1)
    single_parton = from_pt_eta_phi_mass(pt, eta, phi, m[:, 0])
    first = torch.where(single, single_parton, torch.where(final_a, a, a1))
    partons = torch.stack([first, a2, torch.where(final_b, b, b1), b2], 1)
    partons = torch.where((flavours != N).unsqueeze(-1), partons, torch.zeros_like(partons))
    return partons, flavours, torch.stack([root, mass_a, mass_b], 1)
