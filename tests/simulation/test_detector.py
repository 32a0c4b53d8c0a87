"""The parametric detector, particle by particle."""

from __future__ import annotations

import numpy as np
import pytest

from zskt.simulation.detector import Columns, keep_bits, pseudorapidity, reconstruct, rows


def particles(pid: int, charge: float, pt: float, count: int = 400, *, eta: float = 0.3, x: float = 0.0) -> Columns:
    phi = np.linspace(-3, 3, count)
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), np.full(count, pt * np.sinh(eta))
    zero = np.zeros(count)
    columns = {"px": px, "py": py, "pz": pz, "energy": np.sqrt(px**2 + py**2 + pz**2), "mass": zero}
    columns |= {"event": np.arange(count), "pid": np.full(count, pid), "charge": np.full(count, charge)}
    return columns | {"x": np.full(count, x), "y": zero, "z": zero}


def test_rounding_keeps_the_leading_bits() -> None:
    values = np.array([1.0, 1 + 2**-12, 1 + 2**-13, 1 + 2**-14, -3.0])
    assert keep_bits(values).tolist() == [1.0, 1 + 2**-12, 1 + 2**-12, 1.0, -3.0]
    assert np.abs(keep_bits(np.array([0.1])) / 0.1 - 1) < 2**-13


def test_rows_and_pseudorapidity() -> None:
    columns = particles(211, 1, 5.0, 4, eta=-1.2)
    assert pseudorapidity(columns).tolist() == pytest.approx([-1.2] * 4)
    assert len(rows(columns, columns["event"] > 1)["px"]) == 2


def test_tracks_are_measured_to_a_few_percent_and_some_are_missed() -> None:
    candidates = reconstruct(particles(211, 1, 10.0), np.random.default_rng(0))
    charged = candidates["charge"] == 1
    assert 0.9 < charged.mean() < 0.99
    assert (candidates["isNeutralHadron"][~charged] == 1).all(), "what the tracker misses is seen by the calorimeter"
    pt = np.hypot(candidates["px"], candidates["py"])[charged]
    assert pt.mean() == pytest.approx(10, rel=0.005) and pt.std() / 10 == pytest.approx(0.0152, rel=0.15)
    assert (candidates["isChargedHadron"][charged] == 1).all() and (candidates["d0err"][charged] > 0.02).all()
    pull = candidates["d0val"][charged] / candidates["d0err"][charged]
    assert pull.std() == pytest.approx(1, abs=0.15)


def test_impact_parameters_have_the_sign_of_delphes() -> None:
    generated = particles(211, 1, 50.0, 500, x=2.0)
    candidates = reconstruct(generated, np.random.default_rng(0))
    charged = candidates["charge"] == 1
    phi = np.arctan2(candidates["py"], candidates["px"])[charged]
    assert np.abs(candidates["d0val"][charged] - 2.0 * np.sin(phi)).max() < 0.15


def test_photons_are_photons_and_muons_leave_no_energy() -> None:
    photons = reconstruct(particles(22, 0, 20.0), np.random.default_rng(0))
    assert len(photons["px"]) == 400 and (photons["isPhoton"] == 1).all() and (photons["d0err"] == 0).all()
    assert photons["energy"].mean() == pytest.approx(20 * np.cosh(0.3), rel=0.01)
    muons = reconstruct(particles(13, -1, 20.0), np.random.default_rng(0))
    assert len(muons["px"]) < 400 and (muons["isMuon"] == 1).all()


def test_nothing_is_seen_along_the_beam() -> None:
    assert len(reconstruct(particles(211, 1, 10.0, eta=3.5), np.random.default_rng(0))["px"]) == 0
