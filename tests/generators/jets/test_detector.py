"""Detector simulation of pseudo-jets."""

from __future__ import annotations

import math

import pytest
import torch

from generators.jets.decays import ParticleKind, Particles
from generators.jets.detector import JET_RADIUS, MAX_PARTICLES, assemble, cluster, measure, merge_cells
from tests.generators import stream
from zskt.jets.angles import wrap


def particles(kind: ParticleKind, pt: list[float], eta: list[float], phi: list[float]) -> Particles:
    """Particles of one jet."""
    zero = torch.zeros(len(pt))
    charge = torch.ones(len(pt)) if kind == ParticleKind.CHARGED else zero
    momenta = (torch.tensor(pt), torch.tensor(eta), torch.tensor(phi))
    return Particles(zero.long(), torch.full((len(pt),), int(kind)), charge, *momenta, zero, zero)


def test_neutral_particles_of_a_cell_are_merged_at_their_centre() -> None:
    p = particles(ParticleKind.NEUTRAL, [3.0, 1.0, 5.0], [0.11, 0.15, 0.5], [0.01, 0.05, 0.01])
    cells = merge_cells(p, 0.1)
    assert sorted(cells.pt.tolist()) == [4.0, 5.0]
    four = cells.pt == 4
    assert cells.eta[four].item() == pytest.approx(0.12) and cells.phi[four].item() == pytest.approx(0.02)


def test_what_is_soft_far_forward_or_invisible_is_not_measured() -> None:
    p = particles(ParticleKind.CHARGED, [0.1] * 500 + [50.0] * 500, [0.0] * 1000, [0.0] * 1000)
    seen = measure(p, stream())
    assert (seen.pt > 40).all() and len(seen.pt) / 500 == pytest.approx(0.95, abs=0.03)
    assert seen.pt.mean().item() == pytest.approx(50, rel=0.01) and 0 < seen.pt.std() < 2
    assert not len(measure(particles(ParticleKind.INVISIBLE, [50.0], [0.0], [0.0]), stream()).pt)
    assert not len(measure(particles(ParticleKind.MUON, [50.0], [4.0], [0.0]), stream()).pt)


def test_a_jet_holds_what_lies_within_its_radius() -> None:
    p = particles(ParticleKind.CHARGED, [100.0, 20.0, 1.0], [0.0, 0.5, -1.5], [3.1, -3.1, 3.1])  # across pi
    inside = cluster(p, 1)
    assert inside.pt.tolist() == [100.0, 20.0] and JET_RADIUS == 0.8


def test_jets_are_sorted_and_hold_the_hardest_particles() -> None:
    n = MAX_PARTICLES + 10
    p = particles(ParticleKind.CHARGED, [float(i + 1) for i in range(n)], [0.1] * n, [0.2] * n)
    jets = assemble(p, 2, stream())  # the second jet is empty
    assert jets.mask.sum(1).tolist() == [MAX_PARTICLES, 0]
    assert jets.pt[0, 0].item() == pytest.approx(n, rel=1e-5) and jets.pt[0, -1].item() == pytest.approx(11, rel=1e-5)
    assert jets.jet_pt[0].item() == pytest.approx(sum(range(11, n + 1)), rel=1e-4)
    assert (jets.d0_error[0] > 0.015).all()
    wider = assemble(p, 2, stream(), torch.tensor([[2.0, 3.0], [1.0, 1.0]]))
    assert torch.allclose(wider.d0_error, 2 * jets.d0_error) and torch.allclose(wider.dz_error, 3 * jets.dz_error)


def test_a_wrapped_azimuth_is_an_angle() -> None:
    assert wrap(torch.tensor([3 * math.pi / 2])).item() == pytest.approx(-math.pi / 2, abs=1e-5)
