"""Inputs of taggers from files."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import uproot

from zskt.errors import UserError
from zskt.jets.collections import Collection, ReconstructedJets
from zskt.jets.definitions import FileDefinition
from zskt.jets.inputs_in_words import describe
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.jets.sample import SAMPLE
from zskt.jets.tagger_inputs import TaggerInputs
from zskt.jets.tracks import MIN_TRACK_PT, reconstruct

from .samples import sample_jets


def two_styles() -> Preprocess:
    names = ("pfcand_etarel", "jet_pfcand_deta", "pfcand_phirel", "jet_pfcand_dphi", "part_deta", "pfcand_dxysig",
             "jet_pfcand_dxysig")  # fmt: skip
    return Preprocess((InputGroup("pf_features", tuple(Variable(n) for n in names), 1, 128),), ("a", "b"))


def test_the_two_styles_of_cms_differ_in_sign() -> None:
    (x,) = TaggerInputs(preprocess=two_styles())(sample_jets(60))
    etarel, deta, phirel, dphi, part, dxysig, absolute = x.unbind(1)
    assert torch.allclose(phirel, -dphi, atol=1e-6) and torch.allclose(etarel, part, atol=1e-6)
    assert torch.allclose(etarel.abs(), deta.abs(), atol=1e-6) and not torch.allclose(etarel, -deta, atol=1e-3)
    assert torch.allclose(dxysig.abs(), absolute, atol=1e-6)


def test_lengths_padding_and_subsets() -> None:
    groups = (
        InputGroup("cpf_features", (Variable("cpfcand_charge", pad=7.0),), 5, 12),
        InputGroup("cpf_mask", (Variable("cpfcand_mask"),), 5, 12),
        InputGroup("npf_features", (Variable("npfcand_isGamma"),), 3, 200),
        InputGroup("jet_features", (Variable("jet_pt"),), flat=True),
        InputGroup("lt_features", (Variable("lt_charge"),), 1, 3),
    )
    cpf, mask, npf, jet, lost = TaggerInputs(preprocess=Preprocess(groups, ("a", "b")))(sample_jets(80))
    assert cpf.shape[2] == 12 and 3 <= npf.shape[2] < 200 and jet.shape == (80, 1) and lost.shape[2] <= 3
    assert set(cpf.unique().tolist()) <= {-1.0, 1.0, 7.0} and (cpf[mask == 0] == 7).all()
    assert (lost.abs() == 1).any()


@pytest.mark.parametrize(("variable", "softest"), [("part_pt", 0.0), ("pfcand_pt", MIN_TRACK_PT)])
def test_tracks_are_charged_particles_above_the_cut_where_there_is_one(variable: str, softest: float) -> None:
    group = InputGroup("track_features", (Variable(variable),), 1, 128)
    jets = sample_jets(40)
    (x,) = TaggerInputs(preprocess=Preprocess((group,), ("a", "b")))(jets)
    assert (x > 0).sum() == (jets.mask & (jets.charge != 0) & (jets.pt > softest)).sum()


def test_a_missing_column_is_named() -> None:
    bare = Collection({"pt": torch.ones(2, 3)}, torch.ones(2, 3).bool())
    one = {name: torch.ones(2, 1) for name in ("pt", "eta", "phi", "mass", "energy")}
    with pytest.raises(UserError, match="pfcand_etarel needs eta"):
        TaggerInputs(preprocess=two_styles())(ReconstructedJets(one, bare, bare, bare))


def test_defined_and_other_variables_are_told_at_the_start() -> None:
    names = ("pfcand_charge", "pfcand_mystery")
    group = InputGroup("pf_features", tuple(Variable(n) for n in names), 4, 30)
    text = describe(TaggerInputs(preprocess=Preprocess((group,), ("a", "b"))))
    assert "pfcand_mystery" in text and "not known" in text
    assert "charge, a whole number" in text


def test_a_variable_without_definition_is_its_median() -> None:
    group = InputGroup("pf_features", (Variable("pfcand_mystery", median=2.0),), 4, 30)
    (x,) = TaggerInputs(preprocess=Preprocess((group,), ("a", "b")))(sample_jets(5))
    assert (x == 0).all()


def of_jet_and_particles(*more: str) -> TaggerInputs:
    names = ("jet_nparticles", "jet_sdmass", "jet_pt", *more)
    groups = (
        InputGroup("jet_features", tuple(Variable(n, median=50.0, norm_factor=0.5) for n in names), flat=True),
        InputGroup("pf_features", (Variable("part_charge"),), 1, 128),
    )
    return TaggerInputs(preprocess=Preprocess(groups, ("a", "b")))


def test_numbers_of_the_jet_are_those_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    inputs = of_jet_and_particles()
    jets = inputs.read(SAMPLE, ()).samples
    x, _ = inputs(jets[10:20])
    with uproot.open(SAMPLE) as file:
        columns = file["tree"].arrays(["jet_nparticles", "jet_sdmass"], entry_start=10, entry_stop=20, library="np")
    for i, name in enumerate(columns):
        assert torch.allclose(x[:, i], (torch.tensor(columns[name]).float() - 50) / 2), name
    assert capsys.readouterr().err == ""


def test_what_a_file_does_not_tell_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    inputs = of_jet_and_particles("jet_mystery", "jet_mystery__2")
    jets = inputs.read(SAMPLE, ()).samples
    for start in (0, 10):
        assert (inputs(jets[start : start + 10])[0][:, 3:] == 0).all()
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{SAMPLE}: does not tell jet_mystery, jet_mystery__2, of which the teacher is fed the median" in line
    assert "figures on this file mean little" in line


def test_pseudo_jets_have_the_median_of_what_is_drawn_later() -> None:
    inputs = of_jet_and_particles()
    x, _ = inputs(sample_jets(5))  # without columns by name, as pseudo-jets are
    assert inputs.roles[0].unknown == (0, 1) and (x[:, :2] == 0).all() and (x[:, 2] != 0).all()


def defined(expressions: dict[str, str], names: tuple[str, ...], longest: int = 128) -> TaggerInputs:
    groups = (
        InputGroup("pf_features", tuple(Variable(n) for n in names), 1, longest),
        InputGroup("pf_mask", (Variable("part_mask"),), 1, longest),
    )
    entries = tuple(FileDefinition(name, text) for name, text in expressions.items())
    return TaggerInputs(preprocess=Preprocess(groups, ("a", "b"), entries))


def test_what_a_file_defines_is_fed_as_it_says() -> None:
    names = ("part_d0", "part_logptrel", "part_deta", "part_scaled", "part_flag")
    inputs = defined(
        {"part_d0": "part_d0val", "part_logptrel": "np.log10(part_pt/jet_pt)", "part_deta": "part_eta - jet_eta",
         "part_scaled": "np.log(part_pt / jet_pt * 500)", "part_flag": "(part_isMuon == 1) | (part_isElectron == 1)"},
        names,
    )  # fmt: skip
    jets = reconstruct(sample_jets(50), inputs.selection.radius)
    x, mask = inputs(jets)
    c, jet, real = jets.particles, jets.jet, mask[:, 0] > 0
    d0 = -10 * c["dxy_of_every_particle"]
    wanted = (d0, (c["pt"] / jet["pt"]).log10(), c["eta"] - jet["eta"], (c["pt"] / jet["pt"] * 500).log(),
              ((c["is_muon"] + c["is_electron"]) > 0).float())  # fmt: skip
    for name, got, value in zip(names, x.unbind(1), wanted, strict=True):
        assert torch.allclose(got[real], value[real], atol=1e-4), name
        assert (got[~real] == 0).all()
    assert "as the file defines it: np.log10(part_pt/jet_pt)" in describe(inputs)


def test_what_a_file_defines_has_finite_gradients_on_padding_and_at_zero() -> None:
    inputs = defined(
        {"part_x": "np.log(np.abs(part_d0val)) + np.sqrt(part_d0val) / part_charge * np.log(part_px)"}, ("part_x",)
    )
    jets = sample_jets(20)
    px = jets.px.clone().requires_grad_(True)
    d0 = jets.d0.clone().requires_grad_(True)
    (x, _) = inputs(replace(jets, px=px, d0=d0))
    x.clamp(-5, 5).sum().backward()
    assert px.grad is not None and d0.grad is not None
    assert bool(torch.isfinite(px.grad).all()) and bool(torch.isfinite(d0.grad).all()) and (d0.grad != 0).any()


def test_what_a_file_defines_by_columns_that_nobody_has_is_drawn() -> None:
    inputs = defined({"part_pt_log": "np.log(part_weird)"}, ("part_pt_log", "part_charge"))
    assert inputs.roles[0].unknown == (0,) and (inputs(sample_jets(5))[0][:, 0] == 0).all()
    assert "not known: needs part_weird, drawn" in describe(inputs)


def test_masks_are_what_the_file_says() -> None:
    inputs = defined({"part_mask": "part_pt > 5"}, ("part_pt",))
    x, mask = inputs(sample_jets(20))
    assert torch.equal(mask[:, 0] > 0, x[:, 0] > 5) and not inputs.roles[1].is_plain_mask
    assert defined({"part_mask": "ak.ones_like(part_energy)"}, ("part_pt",)).roles[1].is_plain_mask


def test_inputs_without_a_collection_share_one_and_its_mask() -> None:
    group = Preprocess(
        (
            InputGroup("points", (Variable("part_deta"), Variable("part_dphi")), 1, 40),
            InputGroup("features", (Variable("part_deta"), Variable("part_dphi"), Variable("part_charge")), 1, 40),
            InputGroup("mask", (Variable("part_mask"),), 1, 40),
        ),
        ("a", "b"),
    )
    (collection,) = TaggerInputs(preprocess=group).collections()
    assert (collection.features, collection.mask, collection.variables) == ((1,), 2, 3)
