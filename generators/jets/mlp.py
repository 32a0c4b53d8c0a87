"""A free network from z to particles: Micaelli and Storkey's generator, carried over to jets.

Nothing but the bounds of the domain ties the particles: momenta share the jet's, positions lie within its radius.

Shapes: B jets, P particle slots, Z latent size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from generators.jets.unconstrained import as_jets
from zskt.contracts import PseudoBatch
from zskt.generator import Generator
from zskt.jets.tagger_inputs import AnyJetInputs

SLOTS = 64
PER_PARTICLE = 2 + 1 + 2  # position, log pt, displacement
KINDS = (0.5, 0.1, 0.38, 0.01, 0.01)  # charged and neutral hadrons, photons, electrons, muons: roughly as in any jet


class FreeJets(Generator):
    """z -> position, momentum fraction and displacement of each particle, and how many there are.

    The multiplicity is discrete: it is sampled from what the network says, and learns by the score-function gradient
    through `PseudoBatch.log_prob`. The kinds of particles are random.
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
        self.particles = nn.Linear(hidden, SLOTS * PER_PARTICLE)
        self.multiplicity = nn.Linear(hidden, SLOTS - 1)

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """z (B, Z) -> B pseudo-jets of 2 to `SLOTS` particles."""
        h = self.body(z)
        free = self.particles(h).view(len(z), SLOTS, PER_PARTICLE)
        log_counts = torch.log_softmax(self.multiplicity(h), 1)
        drawn = torch.multinomial(log_counts.exp(), 1, generator=rng)  # (B, 1)
        kinds = torch.tensor(KINDS, device=z.device).expand(len(z), SLOTS, len(KINDS))
        jets = as_jets(
            self.inputs.selection,
            2 * free[..., 2],
            0.3 * free[..., :2],
            kinds,
            free[..., 3:],
            drawn.squeeze(1) + 2,
            rng,
        )
        return PseudoBatch(self.inputs(jets), jets, log_counts.gather(1, drawn).squeeze(1))
