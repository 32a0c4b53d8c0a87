"""Hard processes."""

from __future__ import annotations

import torch

from generators.jets.four_vectors import from_pt_eta_phi_mass
from generators.jets.hard_process import PROCESSES, Flavour, decay
from tests.generators import stream


def test_hard_partons_add_up_to_the_root_in_every_process() -> None:
    n = len(PROCESSES)
    u = torch.full((n, 3), 0.5)
    pt, zero = torch.full((n,), 600.0), torch.zeros(n)
    partons, flavours, masses = decay(torch.arange(n), pt, zero, zero, u, torch.rand(n, 3, 2, generator=stream()))
    root = from_pt_eta_phi_mass(pt, zero, zero, torch.where(flavours[:, 1:].sum(1) > 0, masses[:, 0], 0.0))
    assert torch.allclose(partons.sum(1), root, rtol=1e-2, atol=1.0)
    assert (flavours != Flavour.NONE).any(1).all()
