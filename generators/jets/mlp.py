"""A network from z to particles: Micaelli and Storkey's generator, carried over to jets.

Only the bounds of the domain constrain the particles: momenta add up to the jet's, positions lie within its radius.

Shapes: B jets, P particle slots, Z latent size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from generators.jets.unconstrained import as_jets
from zskt.contracts import PseudoBatch
from zskt.generator import Generator
from zskt.jets.tagger_inputs import AnyJetInputs

MLP_SLOTS = 64
"""P"""
N_FREE_PER_PARTICLE = 2 + 1 + 2
"""Numbers that the network gives each particle: position, logarithm of pT, displacement."""
KIND_PROBABILITIES = (
    0.5,
    0.1,
    0.38,
    0.01,
    0.01,
)
"""Frequencies of charged and neutral hadrons, photons, electrons and muons, roughly those of any jet."""


class MLPJets(Generator):
    """z -> position, momentum fraction and displacement of each particle, and their number.

    The number of particles is sampled from probabilities that the network gives, and learns by the score-function
    gradient through `PseudoBatch.log_prob`. The kinds of particles are random.

    Args:
        inputs: what the teacher is fed.
        hidden: width of the network.
    """

    latent_size = 64

    def __init__(self, inputs: AnyJetInputs, hidden: int = 256) -> None:
        super().__init__()
        self.inputs = inputs
        self.body = nn.Sequential(
            nn.Linear(self.latent_size, hidden),
            nn.BatchNorm1d(hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, hidden),
            nn.BatchNorm1d(hidden),
            nn.LeakyReLU(0.2),
        )
        self.particles = nn.Linear(hidden, MLP_SLOTS * N_FREE_PER_PARTICLE)
        self.multiplicity = nn.Linear(hidden, MLP_SLOTS - 1)

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Turn z (B, Z) into B pseudo-jets of 2 to `MLP_SLOTS` particles."""
        h = self.body(self.of_class(z, labels))
        free = self.particles(h).view(len(z), MLP_SLOTS, N_FREE_PER_PARTICLE)
        log_counts = torch.log_softmax(self.multiplicity(h), 1)
        choice = torch.multinomial(log_counts.exp(), 1, generator=rng)  # (B, 1)
        kinds = torch.tensor(KIND_PROBABILITIES, device=z.device).expand(len(z), MLP_SLOTS, len(KIND_PROBABILITIES))
        jets = as_jets(
            self.inputs.selection,
            2 * free[..., 2],
            0.3 * free[..., :2],
            kinds,
            free[..., 3:],
            choice.squeeze(1) + 2,
            rng,
        )
        return PseudoBatch(self.inputs(jets), jets, log_counts.gather(1, choice).squeeze(1))
