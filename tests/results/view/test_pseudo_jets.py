"""Pseudo-jets as numbers for a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from zskt.__main__ import catalog
from zskt.errors import UserError
from zskt.jets.jetclass import read_jets
from zskt.jets.jets import Jets
from zskt.jets.sample import SAMPLE
from zskt.results.view.pseudo_jets import COUNT, pseudo_jets

CATALOG = catalog()


def run_of(folder: Path, preset: str) -> Path:
    (folder / "config.json").write_text(json.dumps(CATALOG.presets[preset].to_dict()))
    return folder


def test_jets_are_those_of_the_generator_and_of_the_sample(tmp_path: Path) -> None:
    state = torch.get_rng_state()
    made = pseudo_jets(run_of(tmp_path, "jets-embedded"), CATALOG)
    assert torch.equal(torch.get_rng_state(), state)
    assert len(made["pseudo"]) == len(made["simulated"]) == COUNT
    jets = read_jets(SAMPLE, most=1).samples
    assert isinstance(jets, Jets)
    first, count = made["simulated"][0], int(jets.mask[0].sum())
    assert len(first["particles"]) == count and first["pt"] == round(float(jets.jet_pt[0]))
    deta, dphi, pt, kind = first["particles"][0]
    assert (deta, dphi) == (round(float(jets.deta[0, 0]), 4), round(float(jets.dphi[0, 0]), 4))
    assert pt == pytest.approx(float(jets.pt[0, 0]), abs=1e-3)
    flags = ("is_charged_hadron", "is_neutral_hadron", "is_photon", "is_electron", "is_muon")
    assert float(getattr(jets, flags[kind])[0, 0]) == 1
    assert json.loads(json.dumps(made))["pseudo"] and len(made["kinds"]) == 6
    assert pseudo_jets(tmp_path, CATALOG)["pseudo"] == made["pseudo"]  # the same every time


def test_runs_of_images_have_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is of images, not of jets; look at its report"):
        pseudo_jets(run_of(tmp_path, "mnist-lenet5-to-lenet5-half"), CATALOG)
