"""Soft activity: hadrons all over a jet's area, from the underlying event and from pileup.

Shapes: B jets, N particles in one flat list.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from generators.jets import decays, detector, parton_shower
from generators.jets.hard_process import Flavour

PILEUP_DZ = 50.0
"""Spread of collisions along the beam, mm."""

Axis = tuple[Tensor, Tensor]
"""Pseudorapidity and azimuth of each jet, (B,) each."""


def underlying_event(z: Tensor, axis: Axis, rng: torch.Generator) -> decays.Particles:
    """Draw hadrons of the underlying event, with a power-law tail for initial-state radiation.

    Args:
        z: amount of activity in each jet, a normal variable, (B,).
    """
    return _scattered(6.0 * torch.exp(0.4 * z.detach()), axis, lambda u: 0.4 * u**-0.5, rng)


def pileup(mean: float, axis: Axis, rng: torch.Generator) -> decays.Particles:
    """Draw hadrons of other collisions, whose tracks pass far from the vertex along the beam.

    Args:
        mean: number of particles in a jet; each jet draws its own mean, up to twice it.
    """
    of_jet = 2 * mean * torch.rand(axis[0].shape, generator=rng, device=axis[0].device)
    soft = _scattered(of_jet, axis, lambda u: 0.5 - u.log(), rng)
    return replace(soft, dz=PILEUP_DZ * torch.randn(len(soft.jet), generator=rng, device=of_jet.device))


def _scattered(mean: Tensor, axis: Axis, pt: Callable[[Tensor], Tensor], rng: torch.Generator) -> decays.Particles:
    """Scatter a Poisson number of hadrons, of mean (B,), over the disc about the axis; ``pt`` maps uniform numbers."""
    count = torch.poisson(mean, generator=rng).long()
    jet = torch.arange(len(count), device=count.device).repeat_interleave(count)
    u = torch.rand(3, len(jet), generator=rng, device=count.device).clamp(min=1e-6)
    radius, azimuth = detector.JET_RADIUS * u[0].sqrt(), 2 * math.pi * u[1]
    eta, phi = axis[0][jet] + radius * azimuth.cos(), axis[1][jet] + radius * azimuth.sin()
    flavour = torch.full_like(jet, int(Flavour.LIGHT))
    return decays.sample_species(parton_shower.Partons(jet, flavour, pt(u[2]), eta, phi, radius, radius), rng)
