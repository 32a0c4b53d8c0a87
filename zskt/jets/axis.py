"""Angles and momenta of particles relative to their jet's axis.

Shapes: B jets, P entries. GeV, radians.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from zskt.jets.angles import wrap
from zskt.jets.collections import Collection

Jet = Mapping[str, Tensor]
"""Columns of the jet itself, (B, 1)."""

PION_MASS = 0.1396  # GeV: every track is taken for a pion, where nothing else is known of it


def azimuth(px: Tensor, py: Tensor) -> Tensor:
    """Return the azimuth of components across the beam, (...,); without momentum it is 0, and so is its gradient.

    The gradient of PyTorch's atan2 is NaN there in some releases.
    """
    zero = px.square() + py.square() < torch.finfo(px.dtype).tiny
    return torch.where(zero, 0.0, torch.atan2(py, torch.where(zero, 1.0, px)))


def dphi(c: Collection, jet: Jet) -> Tensor:
    """Return the azimuth from the jet's axis: (B, P)."""
    return wrap(c["phi"] - jet["phi"])


def distance(c: Collection, jet: Jet) -> Tensor:
    """Return the distance from the jet's axis in pseudorapidity and azimuth: (B, P)."""
    return ((c["eta"] - jet["eta"]).square() + dphi(c, jet).square() + 1e-12).sqrt()


def cos_to_axis(c: Collection, jet: Jet) -> Tensor:
    """Return the cosine of the angle between a particle's momentum and the jet's axis: (B, P)."""
    transverse = 1 / (c["eta"].cosh() * jet["eta"].cosh())
    return (transverse * dphi(c, jet).cos() + c["eta"].tanh() * jet["eta"].tanh()).clamp(-1, 1) * c.mask


def sin_to_axis(c: Collection, jet: Jet) -> Tensor:
    """Return the sine of the angle between a particle's momentum and the jet's axis: (B, P)."""
    return (1 - cos_to_axis(c, jet).square()).clamp(min=1e-12).sqrt() * c.mask


def rapidity_along(momentum: Tensor, parallel: Tensor) -> Tensor:
    """Return the rapidity of a pion along an axis, as `reco::btau::etaRel` of CMSSW.

    Args:
        momentum: the size of its momentum, GeV, any shape.
        parallel: the part of it along the axis, GeV, the same shape.
    """
    energy = (momentum.square() + PION_MASS**2).sqrt()
    return 0.5 * torch.log((energy + parallel).clamp(min=1e-6) / (energy - parallel).clamp(min=1e-6))


def rapidity_to_axis(c: Collection, jet: Jet) -> Tensor:
    """Return the rapidity of each particle along its jet's axis: (B, P)."""
    size = c["pt"] * c["eta"].cosh()
    return rapidity_along(size, cos_to_axis(c, jet) * size) * c.mask
