"""Jets of a network."""

from __future__ import annotations

from generators.jets.mlp import MLP_SLOTS, MLPJets
from tests.generators import stream
from zskt.jets.features import KIN


def test_the_number_of_particles_learns_by_the_score_function() -> None:
    generator, rng = MLPJets(KIN), stream()
    batch = generator.sample(64, rng)
    assert batch.log_prob is not None and batch.log_prob.shape == (64,) and (batch.log_prob < 0).all()
    counts = batch.x[2].sum((1, 2))
    assert counts.min() >= 2 and counts.max() <= MLP_SLOTS
    batch.log_prob.sum().backward()
    assert generator.multiplicity.weight.grad is not None and generator.multiplicity.weight.grad.abs().sum() > 0
    assert generator.particles.weight.grad is None  # nothing else depends on it
