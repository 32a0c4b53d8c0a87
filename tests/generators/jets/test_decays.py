"""Species and decays of hadrons."""

from __future__ import annotations

import pytest
import torch

from generators.jets.decays import (
    ParticleKind,
    Particles,
    decay_heavy_hadrons,
    decay_neutral_pions,
    decay_strange_hadrons,
    sample_species,
)
from generators.jets.hard_process import Flavour
from generators.jets.parton_shower import Partons
from tests.generators import stream


def hadrons(n: int, pt: float = 50.0) -> Partons:
    """So many hadrons, a jet each, along one direction."""
    one = torch.ones(n)
    jet = torch.arange(n)
    return Partons(jet, torch.full((n,), int(Flavour.LIGHT)), pt * one, 0.5 * one, one, 0.4 * one, 0.4 * one)


def total_pt(particles: Particles, jets: int) -> torch.Tensor:
    """Sum of transverse momenta in each jet."""
    return torch.zeros(jets).index_add(0, particles.jet, particles.pt)


def test_species_have_their_frequencies_and_charges() -> None:
    particles = sample_species(hadrons(20_000), stream())
    shares = torch.bincount(particles.kind, minlength=len(ParticleKind)) / 20_000
    assert torch.allclose(shares, torch.tensor([0.55, 0.12, 0.33, 0.0, 0.0, 0.0]), atol=0.015)
    charged = particles.kind == ParticleKind.CHARGED
    assert (particles.charge[charged].abs() == 1).all() and (particles.charge[~charged] == 0).all()
    assert (particles.d0 == 0).all() and (particles.dz == 0).all()


@pytest.mark.parametrize(("flavour", "mean", "leptons"), [(Flavour.BOTTOM, 7.4, 0.38), (Flavour.CHARM, 3.4, 0.14)])
def test_heavy_hadrons_decay_into_several_displaced_particles(flavour: Flavour, mean: float, leptons: float) -> None:
    particles = decay_heavy_hadrons(hadrons(4000), flavour, stream())
    assert len(particles.pt) / 4000 == pytest.approx(mean, rel=0.03)
    assert torch.allclose(total_pt(particles, 4000), torch.tensor(50.0), rtol=1e-4)
    is_lepton = (particles.kind == ParticleKind.ELECTRON) | (particles.kind == ParticleKind.MUON)
    assert is_lepton.sum() / 4000 == pytest.approx(leptons, abs=0.03)
    assert (particles.kind == ParticleKind.INVISIBLE).sum() == is_lepton.sum()  # a neutrino with each lepton
    assert (particles.d0 != 0).all()


def test_strange_hadrons_decay_into_two_opposite_tracks_within_the_tracker() -> None:
    particles = decay_strange_hadrons(hadrons(2000, pt=2.0), stream())
    assert (particles.kind == ParticleKind.CHARGED).all()
    sums = torch.zeros(2000).index_add(0, particles.jet, particles.charge)
    assert (sums == 0).all() and 0.95 < len(particles.pt) / 4000 <= 1
    assert torch.bincount(particles.jet).unique().tolist() == [0, 2]


def test_neutral_pions_become_two_photons_and_nothing_else_changes() -> None:
    before = sample_species(hadrons(1000), stream())
    after = decay_neutral_pions(before, stream(1))
    photons = before.kind == ParticleKind.PHOTON
    assert (after.kind == ParticleKind.PHOTON).sum() == 2 * photons.sum()
    assert torch.equal(after.pt[after.kind != ParticleKind.PHOTON], before.pt[~photons])
    assert torch.allclose(total_pt(after, 1000), total_pt(before, 1000), rtol=1e-5)
