"""Jets from unconstrained numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from generators.jets.unconstrained import as_jets
from tests.generators import stream
from zskt.jets.jets import Jets, JetSelection


def jets_of(selection: JetSelection, position: Tensor, count: float) -> Jets:
    """Jets of equally hard particles at these places."""
    size, slots = position.shape[:2]
    kinds = torch.full((size, slots, 5), 0.2)
    numbers = torch.zeros(size, slots)
    displacement = torch.ones(size, slots, 2)
    return as_jets(selection, numbers, position, kinds, displacement, torch.full((size,), count), stream())


def test_momentum_lies_in_the_selection_and_direction_too() -> None:
    selection = JetSelection(pt_low=20, pt_high=2000, eta_max=1.0)
    jets = jets_of(selection, torch.zeros(3000, 4, 2), 4)
    total = (jets.pt * jets.mask).sum(1)
    assert total.min() >= 20 * 1.01 - 1e-2 and total.max() <= 2000 * 0.99 + 1
    assert (total < 200).float().mean().item() == pytest.approx(0.5, abs=0.04)  # uniform in the logarithm
    eta = torch.asinh(jets.pz.sum(1) / torch.hypot(jets.px.sum(1), jets.py.sum(1)))
    assert eta.abs().max() <= 0.9 + 1e-4
    narrow = jets_of(replace(selection, pt_low=500, pt_high=900), torch.zeros(3000, 4, 2), 4)
    total = (narrow.pt * narrow.mask).sum(1)
    assert total.mean().item() == pytest.approx((505 + 891) / 2, rel=0.02)  # uniform


def test_there_are_as_many_particles_as_asked_for_and_as_there_is_momentum_for() -> None:
    many = torch.zeros(50, 60, 2)
    assert (jets_of(JetSelection(pt_low=500), many, 7).mask.sum(1) == 7).all()
    soft = jets_of(JetSelection(pt_low=20, pt_high=30), many, 60)
    total = (soft.pt * soft.mask).sum(1)
    assert (soft.mask.sum(1) <= total + 1e-3).all() and soft.mask.sum(1).max() < 30  # 2 * 0.5 GeV each
    assert soft.pt[soft.mask].min() >= 0.5


def test_places_are_squeezed_into_the_radius() -> None:
    cross = 100 * torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    jets = jets_of(JetSelection(), cross.expand(20, 4, 2), 4)
    for angle in (jets.deta, jets.dphi):  # at 0.9 radii of 0.8 on either side
        assert torch.allclose(angle.amax(1) - angle.amin(1), torch.tensor(1.44), atol=1e-4)


def test_neutral_particles_have_no_charge_and_no_track() -> None:
    jets = jets_of(JetSelection(), torch.zeros(50, 20, 2), 20)
    neutral = jets.mask & (jets.is_photon + jets.is_neutral_hadron > 0)
    tracked = jets.mask & ~neutral
    assert not jets.charge[neutral].any() and not jets.d0[neutral].any()
    assert set(jets.charge[tracked].tolist()) == {-1, 1}
    assert jets.dz[tracked].mean().item() == pytest.approx(1, abs=0.02)  # mm, as asked for
