"""A network from z to particles: Micaelli and Storkey's generator, carried over to jets.

Only the bounds of the domain constrain the particles: momenta add up to the jet's, positions lie within its radius.

Shapes: B jets, P particle slots, Z latent size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from generators.jets.unconstrained import as_jets
from zskt.contracts import PseudoBatch
from zskt.generator import Draft, Generator, noise_of
from zskt.jets.jets import Jets
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
    difference_step = 1e-2  # above the rounding of what is computed of a particle

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
        free, choice, log_prob = self._free(z, rng)
        jets = self._jets(free, choice, rng)
        return PseudoBatch(self.inputs(jets), jets, log_prob)

    def draft(self, z: Tensor, rng: torch.Generator) -> Draft:
        """Turn z (B, Z) into the free numbers of all particles; their number and their kinds stay."""
        free, choice, log_prob = self._free(z, rng)
        noise = noise_of(rng)

        def make(numbers: Tensor, rows: Tensor) -> tuple[PseudoBatch, Tensor]:
            jets = self._jets(numbers.view(len(rows), MLP_SLOTS, N_FREE_PER_PARTICLE), choice[rows], noise())
            return PseudoBatch(self.inputs(jets), jets), torch.arange(len(rows), device=rows.device)

        return Draft(free.flatten(1), make, log_prob)

    def _free(self, z: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Free numbers (B, P, `N_FREE_PER_PARTICLE`), numbers of particles less 2 (B, 1), and their log probability."""
        h = self.body(z)
        free = self.particles(h).view(len(z), MLP_SLOTS, N_FREE_PER_PARTICLE)
        log_counts = torch.log_softmax(self.multiplicity(h), 1)
        choice = torch.multinomial(log_counts.exp(), 1, generator=rng)  # (B, 1)
        return free, choice, log_counts.gather(1, choice).squeeze(1)

    def _jets(self, free: Tensor, choice: Tensor, rng: torch.Generator) -> Jets:
        """Make jets of free numbers (B, P, `N_FREE_PER_PARTICLE`) and numbers of particles less 2 (B, 1)."""
        kinds = torch.tensor(KIND_PROBABILITIES, device=free.device).expand(len(free), MLP_SLOTS, -1)
        return as_jets(
            self.inputs.selection,
            2 * free[..., 2],
            0.3 * free[..., :2],
            kinds,
            free[..., 3:],
            choice.squeeze(1) + 2,
            rng,
        )
