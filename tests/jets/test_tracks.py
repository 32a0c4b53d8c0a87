"""Reconstructed tracks against geometry done by hand."""

from __future__ import annotations

import math

import torch

from zskt.jets.collections import Collection
from zskt.jets.tracks import MIN_TRACK_PT, hardest_cone, particle_random, reconstruct
from zskt.jets.variable_names import find_variable
from zskt.jets.variables import RAW_VARIABLES

from .samples import decayed, sample_jets

OF_CMS = {"part_d0val": "pfcand_dxy", "part_d0err": "pfcand_dxyerr", "part_dzval": "pfcand_dz",
          "part_dzerr": "pfcand_dzerr"}  # fmt: skip
"""Variables of JetClass, and what CMS calls the same."""


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


def test_soft_tracks_are_cut_for_names_of_cms_and_not_for_those_of_jetclass() -> None:
    sample = sample_jets(50)
    soft = sample.mask & (sample.charge != 0) & (sample.pt < MIN_TRACK_PT) & (sample.d0_error > 0)
    reconstructed = reconstruct(sample, 0.8)
    order = torch.where(sample.mask, sample.pt, -1.0).argsort(dim=1, descending=True, stable=True)
    assert soft.sum() > 100
    for name, field in (
        ("part_d0val", "d0"),
        ("part_d0err", "d0_error"),
        ("part_dzval", "dz"),
        ("part_dzerr", "dz_error"),
    ):
        own, of_cms = find_variable(name, "particles"), find_variable(OF_CMS[name], "particles")
        assert own is not None and of_cms is not None
        in_file = getattr(sample, field).gather(1, order)
        wanted = in_file.clamp(0, 1) if name.endswith("err") else in_file
        assert torch.allclose(own.quantity(reconstructed.particles, reconstructed.jet), wanted, rtol=1e-6, atol=0), name
        assert torch.allclose(RAW_VARIABLES[name].quantity(reconstructed.particles, {}), in_file, rtol=1e-6, atol=0)
        cut, hard = of_cms.quantity(reconstructed.particles, {}), sample.pt.gather(1, order) > MIN_TRACK_PT
        assert (cut[~hard] == 0).all() and torch.allclose(cut[hard].abs() * 10, in_file[hard].abs(), rtol=1e-6), name


def test_impact_parameters_of_files_of_cms_are_those_that_it_keeps() -> None:
    """PFNano has no others, so JetClass's names mean these."""
    kept = Collection({"dxy": torch.tensor([[0.01, 0.0]])}, torch.ones(1, 2).bool())
    definition = find_variable("part_d0val", "particles")
    assert definition is not None and torch.allclose(definition.quantity(kept, {}), torch.tensor([[-0.1, 0.0]]))
