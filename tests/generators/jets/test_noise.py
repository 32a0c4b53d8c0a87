"""Jets of random particles."""

from __future__ import annotations

import pytest
import torch

from generators.jets.noise import NoiseJets
from tests.generators import stream
from zskt.generator import is_trainable
from zskt.jets.features import KIN


def test_particles_are_fifty_on_average_and_of_all_kinds_alike() -> None:
    jets = NoiseJets(KIN).draw(400, stream()).view
    counts = jets.mask.sum(1).float()
    assert counts.mean().item() == pytest.approx(50, abs=1.5) and counts.std().item() == pytest.approx(7.1, abs=1)
    for kind in ("charged_hadron", "neutral_hadron", "photon", "electron", "muon"):
        assert (getattr(jets, f"is_{kind}").sum() / counts.sum()).item() == pytest.approx(0.2, abs=0.02)


def test_only_the_stream_tells_what_is_drawn() -> None:
    generator = NoiseJets(KIN)
    draws = ((0.0, 0), (1.0, 0), (0.0, 1))
    first, again, other = (generator(torch.full((5, 1), z), stream(seed)).x for z, seed in draws)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert len(other[0]) == 5 and not torch.equal(first[1][..., :2], other[1][..., :2])
    assert not is_trainable(generator)
