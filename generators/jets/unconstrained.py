"""Jets from unconstrained numbers: the bounds that every jet obeys, whatever chose its particles.

Shapes: B jets, P particle slots. GeV, mm, radians.
"""

from __future__ import annotations

import torch
from torch import Tensor

from generators.jets.decays import ParticleKind, Particles
from generators.jets.detector import JET_RADIUS, assemble
from zskt.jets.jets import Jets, JetSelection

MIN_PARTICLE_PT = 0.5
"""Lowest transverse momentum of a particle, GeV."""


def as_jets(
    selection: JetSelection,
    log_pt: Tensor,
    position: Tensor,
    kinds: Tensor,
    displacement: Tensor,
    count: Tensor,
    rng: torch.Generator,
) -> Jets:
    """Build jets from unconstrained particles.

    Args:
        selection: range of the jets' momentum, uniform in its logarithm where it spans more than a factor of two, and
            of their direction.
        log_pt: (B, P), logarithms of relative transverse momenta.
        position: (B, P, 2), pseudorapidity and azimuth about the jet axis, squeezed into the jet radius.
        kinds: (B, P, 5), one-hot or probabilities over the five visible kinds; one kind is sampled.
        displacement: (B, P, 2), impact parameters d0 and dz of tracks, mm.
        count: (B,), number of particles in each jet, which fill the first slots.
        rng: draws jet momentum and direction, kinds and charges.
    """
    device, size = log_pt.device, len(log_pt)
    u = torch.rand(2, size, 1, generator=rng, device=device)
    low, high = selection.pt_low * 1.01, selection.pt_high * 0.99
    jet_pt = low + (high - low) * u[0] if high < 2 * low else low * (high / low) ** u[0]
    axis = selection.eta_max * (2 * u[1] - 1) * 0.9
    # No more particles than there is momentum for.
    count = torch.minimum(count, (jet_pt.squeeze(1) / (2 * MIN_PARTICLE_PT)).floor().clamp(min=2))
    mask = torch.arange(log_pt.shape[1], device=device) < count.unsqueeze(1)
    share = torch.softmax(log_pt.masked_fill(~mask, -torch.inf), 1)
    pt = MIN_PARTICLE_PT + (jet_pt - MIN_PARTICLE_PT * mask.sum(1, keepdim=True)) * share
    radius = position.square().sum(-1, keepdim=True).add(1e-9).sqrt()
    position = position * (0.9 * JET_RADIUS * torch.tanh(radius / JET_RADIUS) / radius)
    position = position - (share.unsqueeze(-1) * position).sum(1, keepdim=True)
    kind = torch.multinomial(kinds.detach().flatten(0, 1), 1, generator=rng).view_as(log_pt)
    sign = 2.0 * torch.randint(0, 2, kind.shape, generator=rng, device=device) - 1
    neutral = (kind == ParticleKind.PHOTON) | (kind == ParticleKind.NEUTRAL)
    jet = torch.arange(size, device=device).unsqueeze(1).expand_as(log_pt)
    charge = torch.where(neutral, torch.zeros_like(sign), sign)
    columns = [jet, kind, charge, pt, axis + position[..., 0], position[..., 1], *displacement.unbind(-1)]
    return assemble(Particles(*(c[mask] for c in columns)), size, rng)
