"""Reconstructed tracks against geometry done by hand."""

from __future__ import annotations

import math

import torch

from zskt.jets.tracks import hardest_cone, particle_random, reconstruct
from zskt.jets.variable_names import find_variable

from .samples import decayed, sample_jets


def test_impact_parameters_have_the_sign_of_the_flight() -> None:
    jet = reconstruct(decayed((0.0, 0.0, 0.0)), 0.8).jet
    phi, eta = float(jet["phi"]), float(jet["eta"])
    x, y, z = 0.4 * math.cos(phi), 0.4 * math.sin(phi), 0.4 * math.sinh(eta)
    ahead, behind = (reconstruct(decayed((s * x, s * y, s * z)), 0.8).particles for s in (1.0, -1.0))
    displaced = ahead["sip3d"].abs() > 1e-4
    assert displaced.sum() == 4
    assert (ahead["sip3d"][displaced] > 0).all() and (behind["sip3d"][displaced] < 0).all()
    assert (ahead["sip3d"].abs() + 1e-6 >= ahead["dxy"].abs() * 0.9)[displaced].all()
    assert (ahead["jet_distance"] <= 0).all()


def test_a_jet_is_reconstructed_alike_in_every_batch() -> None:
    sample = sample_jets(40)
    together, alone = reconstruct(sample, 0.8), reconstruct(sample[7:8], 0.8)
    n = alone.particles.mask.shape[1]
    for name, column in alone.particles.columns.items():
        assert torch.allclose(together.particles[name][7:8, :n], column, atol=1e-6), name
    u = particle_random(sample, 2)
    assert u.min() > 0 and u.max() < 1 and abs(float(u[:, sample.mask].mean()) - 0.5) < 0.03


def test_narrow_jets_keep_the_hardest_cone() -> None:
    sample = sample_jets(100)
    keep = hardest_cone(sample, 0.4)
    assert (keep <= sample.mask).all() and keep.any(1).all()
    share = (sample.pt * keep).sum(1) / (sample.pt * sample.mask).sum(1)
    assert share.min() > 0.2 and (keep.sum(1) < sample.mask.sum(1)).any()
    assert reconstruct(sample, 0.4).jet["pt"].mean() < reconstruct(sample, 0.8).jet["pt"].mean()


def test_neutral_particles_carry_production_defaults() -> None:
    particles = reconstruct(sample_jets(50), 0.8).particles
    neutral = particles.mask & (particles["charge"] == 0)
    assert neutral.any()
    for name, value in (("lost_inner_hits", -1), ("vertex_quality", 7), ("dxy", 0), ("dz", 0), ("track_quality", 0)):
        assert (particles[name][neutral] == value).all(), name
    definition = find_variable("pfcand_normchi2", "particles")
    assert definition is not None and (definition.quantity(particles, {})[neutral] == 999).all()


def test_whole_numbers_are_whole() -> None:
    particles = reconstruct(sample_jets(50), 0.4).particles
    for name in ("charge", "lost_inner_hits", "vertex_quality", "from_pv", "track_quality", "pixel_hits", "strip_hits"):
        column = particles[name][particles.mask]
        assert torch.equal(column, column.round()), name
