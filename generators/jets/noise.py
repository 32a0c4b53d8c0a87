"""Jets of random particles: the trivial baseline.

Shapes: B jets, P particle slots, Z latent size.
"""

from __future__ import annotations

import torch
from torch import Tensor

from generators.jets.unconstrained import as_jets
from zskt.contracts import PseudoBatch
from zskt.generator import Generator
from zskt.jets.tagger_inputs import AnyJetInputs

SLOTS = 100
MEAN_PARTICLES = 50.0


class NoiseJets(Generator):
    """Independent particles: Gaussian in angle, log-normal in transverse momentum, of random kind."""

    latent_size = 1  # z is not looked at

    def __init__(self, inputs: AnyJetInputs) -> None:
        super().__init__()
        self.inputs = inputs

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """z (B, Z), of which only B counts -> B pseudo-jets."""
        count = torch.poisson(torch.full_like(z[:, 0], MEAN_PARTICLES), generator=rng).clamp(2, SLOTS)
        free = torch.randn(len(z), SLOTS, 6, generator=rng, device=z.device)
        position = 0.3 * free[..., :2]
        kinds = torch.full((len(z), SLOTS, 5), 0.2, device=z.device)
        displacement = free[..., 3:5] * 0.1
        jets = as_jets(self.inputs.selection, 1.2 * free[..., 2], position, kinds, displacement, count, rng)
        return PseudoBatch(self.inputs(jets), jets)
