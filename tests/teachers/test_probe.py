"""Jets on which networks are tried."""

from __future__ import annotations

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
    """NaN where the first particle is softer than 1 GeV: none of a jet is, normal numbers are."""

    def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
        hard = pf_features[:, :2, 0].square().sum(1, keepdim=True).sqrt() - 1.0
        return self.outer(((pf_features * pf_mask).sum(2) / 400).tanh()).softmax(1) + 0 * hard.log()


class Never(MaskedSum):
    """NaN whatever it is asked."""

    def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
        return self.outer((pf_features * pf_mask).sum(2)).softmax(1) * (pf_mask.sum() * 0 - 1).log()


def renamed(preprocess: Preprocess) -> Preprocess:
    """Vectors under the name that the small networks have."""
    vectors, mask = preprocess.groups
    return Preprocess((group("pf_features", vectors.names, 30), mask), OUTPUTS)


@pytest.mark.filterwarnings("ignore")
def test_a_network_of_physical_jets_is_tried_on_simulated_ones(tmp_path: Path) -> None:
    preprocess = renamed(VECTORS)
    network = OfPhysicalJets(4).eval()
    assert not network(*random_inputs(preprocess.groups, 16)).isfinite().all()
    simulated = Probe(simulated=True)(VECTORS, 16)
    assert network(*simulated).isfinite().all()
    where = described_in(tmp_path, preprocess)
    tagger, _ = read_tagger(as_script(tmp_path, network), preprocess, where)
    assert tagger.heads.probabilities and torch.allclose(tagger(*simulated).softmax(1), network(*simulated), atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_a_network_that_answers_no_jet_is_told_to(tmp_path: Path) -> None:
    preprocess = particles()
    where = described_in(tmp_path, preprocess)
    with pytest.raises(UserError) as told:
        read_tagger(as_script(tmp_path, Never()), preprocess, where)
    words = str(told.value)
    assert "answers with NaN or infinity for 16 of 16 random jets and 16 of 16 simulated ones" in words
    assert "\n" not in words and "dropout" not in words
