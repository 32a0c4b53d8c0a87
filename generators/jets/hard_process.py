"""Hard processes: what a large-radius jet may originate from, as at most two levels of two-body decays.

    root -> A B,   A -> 1 2,   B -> 3 4

A or B may be final themselves, and the root as well (a single parton). Masses come from the PDG lines of the known
resonances or from a broad continuum, so that the pseudo-jets cover what no resonance makes too.

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


MASS = torch.tensor([0.0, 0.0, 1.5, 4.8, 0.0, 0.0005, 0.106, 0.0])
"""By flavour."""

LINES = {"W": (80.4, 2.1), "Z": (91.2, 2.5), "H": (125.0, 0.3), "t": (172.7, 1.4)}
"""Mass and width of the resonances."""

BROAD = (25.0, 250.0)
"""Range of the mass of a root that is no known resonance, uniform in its logarithm."""

N, Q, C, B, G, E, M, V = Flavour
Pair = tuple[Flavour, Flavour]


@dataclass(frozen=True)
class Process:
    """One hard process. A branch is a final flavour, or (kind of mass, its two daughters)."""

    root: str
    """Name of a line, "broad", or "" for a single parton, which is then `a`."""
    a: Flavour | tuple[str, Pair]
    b: Flavour | tuple[str, Pair] = N
    weight: float = 1.0
    """Relative to the other processes, in the prior."""


def _processes() -> tuple[Process, ...]:
    quarks: dict[str, list[Pair]] = {"W": [(Q, Q), (Q, C)], "Z": [(Q, Q), (C, C), (B, B)]}
    leptons: list[Pair] = [(E, V), (M, V)]
    found = [Process("", flavour, weight=w) for flavour, w in ((Q, 2.0), (G, 2.0), (C, 0.5), (B, 0.5))]
    pairs: list[Pair] = [(Q, Q), (C, C), (B, B), (G, G)]
    found += [Process(line, *pair) for line in ("H", "broad") for pair in pairs]
    found += [Process(v, *pair, weight=1 / len(quarks[v])) for v in quarks for pair in quarks[v]]
    found += [Process("H", ("W", p), ("off", r), weight=0.4) for p in quarks["W"] for r in quarks["W"]]
    found += [Process("H", ("Z", p), ("off", p), weight=0.15) for p in quarks["Z"]]
    found += [Process("H", ("W", p), ("off", r), weight=0.25) for p in leptons for r in quarks["W"]]
    found += [Process("H", ("W", r), ("off", p), weight=0.25) for p in leptons for r in quarks["W"]]
    found += [Process("t", B, ("W", p), weight=0.5) for p in quarks["W"]]
    found += [Process("t", B, ("W", p), weight=0.5) for p in leptons]
    found += [Process("broad", flavour, ("any", p), weight=0.2) for flavour in (Q, B) for p in [*pairs, *leptons]]
    found += [Process("broad", ("any", p), ("any", r), weight=0.2) for p in pairs for r in [*pairs, *leptons]]
    return tuple(found)


PROCESSES = _processes()


def _kinds() -> dict[str, Tensor]:
    """The table of processes as tensors, one row a process."""
    names = ["", "broad", "any", "off", *LINES]
    rows: dict[str, list[list[int]]] = {"masses": [], "flavours": []}
    for p in PROCESSES:
        branches = [branch if isinstance(branch, tuple) else ("", (branch, N)) for branch in (p.a, p.b)]
        rows["masses"].append([names.index(kind) for kind in (p.root, *(kind for kind, _ in branches))])
        rows["flavours"].append([int(f) for _, pair in branches for f in pair])
    return {name: torch.tensor(row) for name, row in rows.items()}


_TABLE = _kinds()
_CENTRE = torch.tensor([0.0, 0.0, 0.0, 0.0, *(m for m, _ in LINES.values())])
_WIDTH = torch.tensor([0.0, 0.0, 0.0, 0.0, *(w for _, w in LINES.values())])


def _line(kind: Tensor, u: Tensor) -> Tensor:
    """Breit-Wigner mass at quantile ``u``, cut at ten widths."""
    u = 0.03 + 0.94 * u
    return _CENTRE.to(u.device)[kind] + _WIDTH.to(u.device)[kind] / 2 * torch.tan(torch.pi * (u - 0.5))


def _masses(kinds: Tensor, daughters: Tensor, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Masses of root, A and B, (B,) each, from kinds (B, 3), the final flavours' masses (B, 4), quantiles (B, 3)."""
    low, high = BROAD
    root = torch.where(kinds[:, 0] == 1, low * (high / low) ** u[:, 0], _line(kinds[:, 0], u[:, 0]))
    floor_a, floor_b = daughters[:, :2].sum(1) + 0.1, daughters[:, 2:].sum(1) + 0.1
    room = (root - floor_a - floor_b).clamp(min=1.0)
    branch = floor_a + 0.6 * room * u[:, 1]  # "any"
    a = torch.where(kinds[:, 1] == 2, branch, _line(kinds[:, 1], u[:, 1]))
    a = torch.where(kinds[:, 1] == 0, daughters[:, 0], a)
    left = (root - a - floor_b).clamp(min=0.5)
    # A virtual boson's mass: m^1.2 approximates matrix element and selection space of H -> V V* below its end point.
    off = floor_b + 0.97 * left * torch.where(kinds[:, 2] == 3, u[:, 2].clamp(min=1e-4) ** 0.45, u[:, 2])
    b = torch.where(kinds[:, 2] >= 4, _line(kinds[:, 2], u[:, 2]), off)
    return root, a, torch.where(kinds[:, 2] == 0, daughters[:, 2], b)


def decay(
    process: Tensor, pt: Tensor, eta: Tensor, phi: Tensor, masses: Tensor, angles: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Final partons of each jet.

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
    m = MASS.to(pt.device)[flavours]
    root, mass_a, mass_b = _masses(kinds, m, masses)
    root = torch.maximum(root, mass_a + mass_b + 0.5)
    cosine, azimuth = 2 * angles[..., 0] - 1, 2 * torch.pi * angles[..., 1]
    p = from_pt_eta_phi_mass(pt, eta, phi, root)
    a, b = two_body(p, root, mass_a, mass_b, cosine[:, 0], azimuth[:, 0])
    a1, a2 = two_body(a, mass_a.clamp(min=0.1), m[:, 0], m[:, 1], cosine[:, 1], azimuth[:, 1])
    b1, b2 = two_body(b, mass_b.clamp(min=0.1), m[:, 2], m[:, 3], cosine[:, 2], azimuth[:, 2])
    alone = (kinds[:, 0] == 0).unsqueeze(1)
    final_a, final_b = (kinds[:, 1] == 0).unsqueeze(1), (kinds[:, 2] == 0).unsqueeze(1)
    single = from_pt_eta_phi_mass(pt, eta, phi, m[:, 0])
    first = torch.where(alone, single, torch.where(final_a, a, a1))
    partons = torch.stack([first, a2, torch.where(final_b, b, b1), b2], 1)
    partons = torch.where((flavours != N).unsqueeze(-1), partons, torch.zeros_like(partons))
    return partons, flavours, torch.stack([root, mass_a, mass_b], 1)
