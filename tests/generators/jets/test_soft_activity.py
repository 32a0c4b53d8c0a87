"""Underlying event and pileup."""

from __future__ import annotations

import pytest
import torch

from generators.jets.soft_activity import pileup, underlying_event
from tests.generators import stream

AXIS = (torch.full((3000,), 0.5), torch.full((3000,), 1.0))


def test_soft_hadrons_lie_evenly_in_the_disc_about_the_axis() -> None:
    hadrons = underlying_event(torch.zeros(3000), AXIS, stream())
    assert len(hadrons.pt) / 3000 == pytest.approx(6, rel=0.05)
    distance = torch.hypot(hadrons.eta - 0.5, hadrons.phi - 1.0)
    assert distance.max() <= 0.8 + 1e-5
    assert (distance < 0.4).float().mean().item() == pytest.approx(0.25, abs=0.02)  # a quarter of the area
    assert hadrons.pt.min() >= 0.4 and (hadrons.dz == 0).all()


def test_pileup_comes_from_elsewhere_along_the_beam() -> None:
    hadrons = pileup(20.0, AXIS, stream())
    assert len(hadrons.pt) / 3000 == pytest.approx(20, rel=0.05)
    assert hadrons.dz.std().item() == pytest.approx(50, rel=0.05)
    counts = torch.bincount(hadrons.jet, minlength=3000).float()
    assert counts.std() > 2 * 20**0.5  # each jet has a mean of its own
