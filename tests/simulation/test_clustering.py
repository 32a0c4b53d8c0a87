"""Jets of candidates, matched to the truth."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("fastjet")

from zskt.simulation.clustering import MAX_PARTICLES, PARTICLE_NAMES, find_jets
from zskt.simulation.detector import FLAGS, IMPACTS, Columns
from zskt.simulation.pythia import Products


def event(count: int, *, eta: float = -0.5, phi: float = 3.1) -> tuple[Columns, Products]:
    """One collision with a jet of so many candidates, 700 GeV in all, about the direction of two quarks."""
    rng = np.random.default_rng(0)
    eta_i, phi_i = rng.normal(eta, 0.1, count), rng.normal(phi, 0.1, count)
    pt = np.linspace(2, 1, count)
    pt *= 700 / pt.sum()
    columns: Columns = {"px": pt * np.cos(phi_i), "py": pt * np.sin(phi_i), "pz": pt * np.sinh(eta_i)}
    columns["energy"] = pt * np.cosh(eta_i)
    columns |= {name: np.zeros(count, np.float32) for name in ("charge", *FLAGS, *IMPACTS)}
    columns["event"] = np.zeros(count, np.int64)
    pair, origin = np.zeros(2, np.int64), np.full(2, 7)
    two_eta, two_phi = np.array([eta - 0.1, eta + 0.1]), np.full(2, phi)
    return columns, Products(pair, origin, two_eta, two_phi, np.full(2, eta), np.full(2, phi))


def test_a_jet_is_found_and_its_constituents_are_sorted() -> None:
    candidates, truth = event(200)
    jets, constituents = find_jets(candidates, 1, truth)
    assert jets["nparticles"].tolist() == [200.0] and jets["written"].tolist() == [MAX_PARTICLES]
    assert jets["pt"][0] == pytest.approx(690, rel=0.02)
    assert set(constituents) == set(PARTICLE_NAMES) and len(constituents["px"]) == MAX_PARTICLES
    pt = np.hypot(constituents["px"], constituents["py"])
    assert (np.diff(pt) <= 1e-5).all()
    assert np.abs(constituents["dphi"]).max() < 1, "azimuths are wrapped about the jet's"
    outwards = -(np.arcsinh(constituents["pz"] / pt) - jets["eta"][0])
    assert np.allclose(constituents["deta"], outwards, atol=1e-3)


def test_jets_without_all_their_quarks_are_left_out() -> None:
    candidates, truth = event(50)
    elsewhere = truth._replace(eta=truth.eta + np.array([0.0, 2.0]))
    jets, constituents = find_jets(candidates, 1, elsewhere)
    assert len(jets["pt"]) == 0 == len(constituents["px"])
    assert set(jets) == {"pt", "eta", "phi", "energy", "nparticles", "sdmass", "written"}
