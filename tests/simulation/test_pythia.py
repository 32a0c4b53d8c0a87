"""Collisions: their visible final state, and the products of their hard decays."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from zskt.simulation.pythia import PROCESSES, Collider


def test_a_top_decays_to_three_visible_quarks() -> None:
    columns, truth = Collider(PROCESSES["Tbqq"], 5).collide(4)
    assert set(np.unique(truth.event)) == set(range(4))
    _, products = np.unique(truth.origin, return_counts=True)
    assert (products == 3).all() and len(products) == 8, "two tops a collision"
    assert not np.isin(np.abs(columns["pid"]), (12, 14, 16)).any()
    mass2 = columns["energy"] ** 2 - columns["px"] ** 2 - columns["py"] ** 2 - columns["pz"] ** 2
    assert np.allclose(mass2, columns["mass"] ** 2, atol=1e-3 * columns["energy"] ** 2)


def test_a_seed_decides_and_leptons_change_sides() -> None:
    first, again = (Collider(PROCESSES["Hqql"], 6) for _ in range(2))
    for _ in range(2):
        (a, _), (b, _) = first.collide(3), again.collide(3)
        assert np.array_equal(a["px"], b["px"])
