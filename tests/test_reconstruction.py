"""Tracks, vertices and variables of reconstructed jets against geometry done by hand."""

from __future__ import annotations

import math

import pytest
import torch

from generators.jets.shower import Shower
from zskt.errors import UserError
from zskt.jets.collections import Collection, ReconstructedJets
from zskt.jets.jetclass import read_jets
from zskt.jets.jets import Jets, JetSelection
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.jets.sample import SAMPLE
from zskt.jets.tagger_inputs import TaggerInputs
from zskt.jets.tracks import narrowed, own_random, reconstruct
from zskt.jets.variable_names import kind_of, meaning


def jets(most: int = 200) -> Jets:
    found = read_jets(SAMPLE, most=most).samples
    assert isinstance(found, Jets)
    return found


def decayed(point: tuple[float, float, float], count: int = 4) -> Jets:
    """One jet of prompt and displaced charged pions: the latter come from ``point``, cm, measured without errors."""
    phi = torch.linspace(-0.1, 0.1, 2 * count) + 0.3
    eta = torch.linspace(0.3, 0.45, 2 * count)
    pt = torch.linspace(30, 10, 2 * count)
    x, y, z = (10 * p for p in point)  # mm
    far = torch.arange(2 * count) % 2 == 0
    d0 = (x * phi.sin() - y * phi.cos()) * far
    dz = (z - (x * phi.cos() + y * phi.sin()) * eta.sinh()) * far
    px, py, pz = pt * phi.cos(), pt * phi.sin(), pt * eta.sinh()
    energy = (px**2 + py**2 + pz**2 + 0.14**2).sqrt()
    one, zero = torch.ones_like(pt), torch.zeros_like(pt)
    columns = {
        "px": px, "py": py, "pz": pz, "energy": energy, "deta": eta - eta.mean(), "dphi": phi - phi.mean(),
        "charge": one, "is_charged_hadron": one, "is_neutral_hadron": zero, "is_photon": zero, "is_electron": zero,
        "is_muon": zero, "d0": d0, "d0_error": 0.02 * one, "dz": dz, "dz_error": 0.03 * one,
    }  # fmt: skip
    dense = {k: v.unsqueeze(0) for k, v in columns.items()}
    scalars = {"jet_pt": pt.sum().view(1, 1), "jet_energy": energy.sum().view(1, 1)}
    return Jets(**dense, **scalars, mask=one.bool().unsqueeze(0))


def test_a_vertex_is_found_where_the_tracks_meet() -> None:
    point = (0.4, 0.13, 0.16)
    found = reconstruct(decayed(point), 0.8).vertices
    assert int(found.mask.sum()) == 1
    assert found["tracks"][0, 0] == 4
    assert found["dxy"][0, 0] == pytest.approx((0.4**2 + 0.13**2) ** 0.5, rel=0.02)
    assert found["d3d"][0, 0] == pytest.approx(sum(p**2 for p in point) ** 0.5, rel=0.02)
    assert found["norm_chi2"][0, 0] < 0.1 and found["dxy_sig"][0, 0] > 20
    assert found["cos_theta"][0, 0] > 0.98


def test_prompt_tracks_make_no_vertex() -> None:
    assert not bool(reconstruct(decayed((0.0, 0.0, 0.0)), 0.8).vertices.mask.any())


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
    sample = jets(40)
    together, alone = reconstruct(sample, 0.8), reconstruct(sample[7:8], 0.8)
    n = alone.particles.mask.shape[1]
    for name, column in alone.particles.columns.items():
        assert torch.allclose(together.particles[name][7:8, :n], column, atol=1e-6), name
    u = own_random(sample, 2)
    assert u.min() > 0 and u.max() < 1 and abs(float(u[:, sample.mask].mean()) - 0.5) < 0.03


def test_narrow_jets_keep_the_hardest_cone() -> None:
    sample = jets(100)
    keep = narrowed(sample, 0.4)
    assert (keep <= sample.mask).all() and keep.any(1).all()
    share = (sample.pt * keep).sum(1) / (sample.pt * sample.mask).sum(1)
    assert share.min() > 0.2 and (keep.sum(1) < sample.mask.sum(1)).any()
    assert reconstruct(sample, 0.4).jet["pt"].mean() < reconstruct(sample, 0.8).jet["pt"].mean()


def test_neutral_particles_carry_production_defaults() -> None:
    found = reconstruct(jets(50), 0.8).particles
    neutral = found.mask & (found["charge"] == 0)
    assert neutral.any()
    for name, value in (("lost_inner_hits", -1), ("vertex_quality", 7), ("dxy", 0), ("dz", 0), ("track_quality", 0)):
        assert (found[name][neutral] == value).all(), name
    known = meaning("pfcand_normchi2", "particles")
    assert known is not None and (known.quantity(found, {})[neutral] == 999).all()


def test_whole_numbers_are_whole() -> None:
    found = reconstruct(jets(50), 0.4)
    for name in ("charge", "lost_inner_hits", "vertex_quality", "from_pv", "track_quality", "pixel_hits", "strip_hits"):
        column = found.particles[name][found.particles.mask]
        assert torch.equal(column, column.round()), name


def two_styles() -> Preprocess:
    names = ("pfcand_etarel", "jet_pfcand_deta", "pfcand_phirel", "jet_pfcand_dphi", "part_deta", "pfcand_dxysig",
             "jet_pfcand_dxysig")  # fmt: skip
    return Preprocess((InputGroup("pf_features", tuple(Variable(n) for n in names), 1, 128),), ("a", "b"))


def test_the_two_styles_of_cms_differ_in_sign() -> None:
    (x,) = TaggerInputs(preprocess=two_styles())(jets(60))
    etarel, deta, phirel, dphi, part, dxysig, absolute = x.unbind(1)
    assert torch.allclose(phirel, -dphi, atol=1e-6) and torch.allclose(etarel, part, atol=1e-6)
    assert torch.allclose(etarel.abs(), deta.abs(), atol=1e-6) and not torch.allclose(etarel, -deta, atol=1e-3)
    assert torch.allclose(dxysig.abs(), absolute, atol=1e-6)


def test_kinds_by_names() -> None:
    assert kind_of(("sv_mass",)) == kind_of(("jet_sv_mass",)) == "vertices"
    assert kind_of(("jet_losttrack_pt_log",)) == kind_of(("lt_pt",)) == "lost_tracks"
    assert kind_of(("jet_pfcand_pt_log",)) == kind_of(("part_px",)) == "particles"
    assert kind_of(("jet_pt", "jet_eta")) == "jet"
    assert meaning("foo_pt_log", "particles") is meaning("pfcand_pt_log_nopuppi", "particles")
    assert kind_of(("pt", "eta"), "jet_features") == "jet" and kind_of(("ntracks",), "sv_features") == "vertices"
    for foreign in ("pfcand_hcalFrac", "pfcand_hcal_energy", "pfcand_gen_pt"):
        assert meaning(foreign, "particles") is None
    assert meaning("jet_softdrop_mass", "jet") is None and meaning("jet_mass", "jet") is not None


def test_lengths_padding_and_subsets() -> None:
    groups = (
        InputGroup("cpf_features", (Variable("cpfcand_charge", pad=7.0),), 5, 12),
        InputGroup("cpf_mask", (Variable("cpfcand_mask"),), 5, 12),
        InputGroup("npf_features", (Variable("npfcand_isGamma"),), 3, 200),
        InputGroup("jet_features", (Variable("jet_pt"),), flat=True),
        InputGroup("lt_features", (Variable("lt_charge"),), 1, 3),
    )
    cpf, mask, npf, jet, lost = TaggerInputs(preprocess=Preprocess(groups, ("a", "b")))(jets(80))
    assert cpf.shape[2] == 12 and 3 <= npf.shape[2] < 200 and jet.shape == (80, 1) and lost.shape[2] <= 3
    assert set(cpf.unique().tolist()) <= {-1.0, 1.0, 7.0} and (cpf[mask == 0] == 7).all()
    assert (lost.abs() == 1).any()


def test_collections_are_told_by_all_but_the_last_word() -> None:
    names = ("jet_pf_features", "jet_pf_mask", "jet_sv_features__2", "cpf_vectors", "input_1", "INPUT__0")
    found = [InputGroup(n, ()).collection for n in names]
    assert found == ["jet_pf", "jet_pf", "jet_sv", "cpf", "input_1", "INPUT__0"]


def test_a_missing_column_is_named() -> None:
    bare = Collection({"pt": torch.ones(2, 3)}, torch.ones(2, 3).bool())
    one = {name: torch.ones(2, 1) for name in ("pt", "eta", "phi", "mass", "energy")}
    with pytest.raises(UserError, match="pfcand_etarel needs eta"):
        TaggerInputs(preprocess=two_styles())(ReconstructedJets(one, bare, bare, bare))


def test_pseudo_jets_of_any_phase_lie_in_it() -> None:
    inputs = TaggerInputs(preprocess=two_styles(), selection=JetSelection(0.4, 30.0, 300.0, 2.4, 0.0, 10.0, 0.1, 0.4))
    generator, rng = Shower(inputs), torch.Generator().manual_seed(0)
    draw = generator(torch.randn(200, generator.latent_size, generator=rng), rng)
    assert draw.view is not None and draw.view.jet_pt.min() > 30 and draw.view.jet_pt.max() < 300
    assert len(draw.view) > 0.5 * 200 and torch.isfinite(draw.x[0]).all()
    draw.x[0].sum().backward()
    gradients = [p.grad for p in generator.parameters() if p.grad is not None]
    assert gradients and all(torch.isfinite(g).all() for g in gradients)


def test_strange_hadrons_fly() -> None:
    far = []
    for strange in (0.0, 0.2):
        inputs = TaggerInputs(preprocess=two_styles(), selection=JetSelection(strange_fraction=strange, pileup=1.0))
        generator, rng = Shower(inputs, adversarial=False), torch.Generator().manual_seed(0)
        found = generator(torch.randn(200, generator.latent_size, generator=rng), rng).jets
        assert found is not None
        far.append(float((found.d0.abs() > 5).float().mean()))
    assert far[1] > 5 * far[0]
