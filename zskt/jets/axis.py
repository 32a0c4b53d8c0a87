"""Angles and momenta relative to a jet's axis.

Shapes: B jets, P entries. GeV, radians.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from zskt.jets.collections import Collection

Jet = Mapping[str, Tensor]
"""Columns of the jet itself, (B, 1)."""

PION = 0.1396  # GeV: what a track is taken for, where nothing else is known of it


def wrapped(phi: Tensor) -> Tensor:
    """An azimuth, in [-pi, pi)."""
    return torch.remainder(phi + torch.pi, 2 * torch.pi) - torch.pi


def dphi(c: Collection, jet: Jet) -> Tensor:
    """Azimuth from the jet's axis: (B, P)."""
    return wrapped(c["phi"] - jet["phi"])


def distance(c: Collection, jet: Jet) -> Tensor:
    """From the jet's axis in pseudorapidity and azimuth: (B, P)."""
    return ((c["eta"] - jet["eta"]).square() + dphi(c, jet).square() + 1e-12).sqrt()


def along(c: Collection, jet: Jet) -> Tensor:
    """Cosine of the angle between a particle's momentum and the jet's axis: (B, P)."""
    transverse = 1 / (c["eta"].cosh() * jet["eta"].cosh())
    return (transverse * dphi(c, jet).cos() + c["eta"].tanh() * jet["eta"].tanh()).clamp(-1, 1) * c.mask


def across(c: Collection, jet: Jet) -> Tensor:
    """Its sine."""
    return (1 - along(c, jet).square()).clamp(min=1e-12).sqrt() * c.mask


def rapidity_about(momentum: Tensor, parallel: Tensor) -> Tensor:
    """Rapidity of a pion along an axis, `reco::btau::etaRel`: of the size of its momentum and the part along it."""
    energy = (momentum.square() + PION**2).sqrt()
    return 0.5 * torch.log((energy + parallel).clamp(min=1e-6) / (energy - parallel).clamp(min=1e-6))


def about_axis(c: Collection, jet: Jet) -> Tensor:
    """The same of each particle and its jet's axis: (B, P)."""
    size = c["pt"] * c["eta"].cosh()
    return rapidity_about(size, along(c, jet) * size) * c.mask
