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

NOISE_SLOTS = 100
"""P"""
MEAN_PARTICLES = 50.0
"""Mean number of particles in a jet."""


class NoiseJets(Generator):
    """Jets of independent particles: Gaussian in angle, log-normal in transverse momentum, of random kind.

    Args:
        inputs: what the teacher is fed.
    """

    latent_size = 1  # z is not used

    def __init__(self, inputs: AnyJetInputs) -> None:
        super().__init__()
        self.inputs = inputs

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Draw B pseudo-jets; of z (B, Z) only B counts."""
        count = torch.poisson(torch.full_like(z[:, 0], MEAN_PARTICLES), generator=rng).clamp(2, NOISE_SLOTS)
        free = torch.randn(len(z), NOISE_SLOTS, 6, generator=rng, device=z.device)
        position = 0.3 * free[..., :2]
        kinds = torch.full((len(z), NOISE_SLOTS, 5), 0.2, device=z.device)
        displacement = free[..., 3:5] * 0.1
        jets = as_jets(self.inputs.selection, 1.2 * free[..., 2], position, kinds, displacement, count, rng)
        return PseudoBatch(self.inputs(jets), jets)
