"""Observables of jets: what physicists compute of a jet's constituents, one number a jet, differentiable.

Shapes: B jets. Units: GeV, radians.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from zskt.jets.constituents import Constituents

MIN_RATIO = 1e-4
"""Smallest denominator of a ratio of e2 or of tau: below it all particles are at one place, and the ratio is 0."""
CHARGE_POWER = 0.5
"""kappa of the jet charge (D. Krohn et al., arXiv:1209.2421)."""


@dataclass(frozen=True)
class Observable:
    """One observable."""

    value: Callable[[Constituents], Tensor]
    """Computes it, (B,)."""
    label: str
    """Its symbol and unit."""
    centre: float
    """About where it lies in large jets, and how wide: a student sees (value - centre) / spread."""
    spread: float
    needs: str = ""
    """Field of `Constituents` without which it cannot be had."""


def _ratio(numerator: Tensor, denominator: Tensor, power: int = 1) -> Tensor:
    """Return numerator / denominator^power; 0, without gradient, of jets whose particles are all at one place."""
    there = denominator > MIN_RATIO
    return torch.where(there, numerator / torch.where(there, denominator, 1.0) ** power, 0.0)


def _tau_ratio(n: int) -> Callable[[Constituents], Tensor]:
    return lambda c: _ratio(c.subjettiness[:, n - 1], c.subjettiness[:, n - 2])


def _charge(c: Constituents) -> Tensor:
    assert c.charge is not None
    return (torch.where(c.mask, c.charge, 0.0) * c.share.clamp(min=1e-9) ** CHARGE_POWER).sum(1)


def _significances(c: Constituents) -> Tensor:
    assert c.significance is not None
    return torch.where(c.mask, c.significance, 0.0)


def _field(name: str) -> Callable[[Constituents], Tensor]:
    return lambda c: getattr(c, name).float()


OBSERVABLES: dict[str, Observable] = {
    "log_pt": Observable(lambda c: c.jet_pt.log(), "ln(pT / GeV)", 6.0, 0.5),
    "abs_eta": Observable(_field("abs_eta"), "|η|", 0.8, 0.6, "abs_eta"),
    "mass": Observable(lambda c: c.mass, "mass (GeV)", 80.0, 50.0),
    "multiplicity": Observable(lambda c: c.mask.float().sum(1), "particles", 45.0, 20.0),
    "ptd": Observable(lambda c: (c.share.square().sum(1) + 1e-12).sqrt(), "pTD", 0.35, 0.15),
    "girth": Observable(
        lambda c: (c.share * ((c.deta.square() + c.dphi.square() + 1e-12).sqrt() - 1e-6)).sum(1), "girth", 0.15, 0.1
    ),
    "tau21": Observable(_tau_ratio(2), "τ21", 0.5, 0.2),
    "tau32": Observable(_tau_ratio(3), "τ32", 0.7, 0.15),
    "c2": Observable(lambda c: _ratio(c.correlators[1], c.correlators[0], 2), "C2", 0.15, 0.1),
    "d2": Observable(lambda c: _ratio(c.correlators[1], c.correlators[0], 3), "D2", 3.0, 2.0),
    "charge": Observable(_charge, "jet charge (κ = 0.5)", 0.0, 0.5, "charge"),
    "max_significance": Observable(
        lambda c: _significances(c).amax(1).log1p(), "ln(1 + largest |d0|/σ)", 2.0, 1.2, "significance"
    ),
    "sum_significance": Observable(
        lambda c: _significances(c).sum(1).log1p(), "ln(1 + Σ |d0|/σ)", 4.0, 1.0, "significance"
    ),
    "vertices": Observable(_field("vertices"), "secondary vertices", 1.0, 1.0, "vertices"),
}
"""Observables by name. pTD: CMS, arXiv:2006.13018; girth: J. Gallicchio and M. Schwartz, arXiv:1106.3076; C2:
arXiv:1305.0007; D2: arXiv:1409.6298. Girth is about the centre of transverse momentum."""
