"""Jets on which networks are tried."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from teachers.probe import Probe
from teachers.tagger import read_tagger
from tests.teachers.network_files import OUTPUTS, MaskedSum, as_script, described_in, group, particles
from zskt.errors import UserError
from zskt.jets.preprocess import Preprocess
from zskt.jets.random_inputs import random_inputs

VECTORS = Preprocess(
    (
        group("pf_vectors", ["pfcand_px", "pfcand_py", "pfcand_pz", "pfcand_energy"], 30),
        group("pf_mask", ["pfcand_mask"], 30),
    ),
    OUTPUTS,
)


def test_random_numbers_are_those_of_every_trial() -> None:
    for found, expected in zip(Probe()(VECTORS, 5), random_inputs(VECTORS.groups, 5), strict=True):
        assert torch.equal(found, expected)


def test_simulated_jets_are_physical_and_many() -> None:
    vectors, mask = Probe(simulated=True)(VECTORS, 16)
    assert vectors.shape[:2] == (16, 4) and mask.shape[:2] == (16, 1) and vectors.shape[2] == mask.shape[2]
    energy, momentum = vectors[:, 3:4], vectors[:, :3].norm(dim=1, keepdim=True)
    assert bool((energy >= momentum * (1 - 1e-3))[mask > 0].all()) and bool((vectors * (1 - mask) == 0).all())
    assert len(torch.unique(energy[:, 0, 0])) == 16 and float(momentum.sum(2).min()) > 20, "momenta in GeV"


class OfPhysicalJets(MaskedSum):
    """A logarithm of mass for each particle: NaN of a momentum above the energy, which no jet has."""

    def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
        v = pf_features
        size = v[:, :3].square().sum(1, keepdim=True).sqrt()
        light = (v[:, 3:4] - size + 0.01 * size + 1e-3).log()
        m = torch.where(pf_mask > 0, light, torch.zeros_like(light)).tanh()
        return self.outer(torch.cat([(v / 100).tanh()[:, :4] * pf_mask, m], 1).sum(2)).softmax(1)


class Never(MaskedSum):
    """NaN whatever it is asked."""

    def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
        return self.outer((pf_features * pf_mask).sum(2)).softmax(1) * (pf_mask.sum() * 0 - 1).log()


@pytest.mark.filterwarnings("ignore")
@torch.no_grad()
def test_a_network_of_physical_jets_is_tried_on_simulated_ones(tmp_path: Path) -> None:
    """Energies that are cut are drawn as any number."""
    names = ("pfcand_px", "pfcand_py", "pfcand_pz", "pfcand_energy", "pfcand_charge")
    features, mask = particles(20, names).groups
    variables = tuple(replace(v, upper_bound=1e5) for v in features.variables)
    preprocess = Preprocess((replace(features, variables=variables), mask), OUTPUTS)
    where, network = described_in(tmp_path, preprocess), OfPhysicalJets(5).eval()
    assert not network(*random_inputs(preprocess.groups, 16)).isfinite().all()
    simulated = Probe(simulated=True)(preprocess, 16)
    assert network(*simulated).isfinite().all()
    tagger, _ = read_tagger(as_script(tmp_path, network), preprocess, where)
    assert tagger.layouts == ("BCP", "BCP") and tagger.heads.probabilities
    assert torch.allclose(tagger(*simulated).softmax(1), network(*simulated), atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_a_network_that_answers_no_jet_is_told_to(tmp_path: Path) -> None:
    preprocess = particles()
    where = described_in(tmp_path, preprocess)
    with pytest.raises(UserError) as told:
        read_tagger(as_script(tmp_path, Never()), preprocess, where)
    words = str(told.value)
    assert "answers with NaN or infinity for 16 of 16 random jets and 16 of 16 simulated ones" in words
    assert "\n" not in words and "dropout" not in words
