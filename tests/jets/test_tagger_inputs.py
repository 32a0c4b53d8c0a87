"""Inputs of taggers from files."""

from __future__ import annotations

import pytest
import torch

from zskt.errors import UserError
from zskt.jets.collections import Collection, ReconstructedJets
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.jets.tagger_inputs import TaggerInputs, describe

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
