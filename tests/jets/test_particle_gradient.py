"""Gradients by a particle's momentum and angles against differences of jets that were made anew."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from zskt.jets.features import FULL, KIN, JetInputs
from zskt.jets.jets import Jets
from zskt.jets.particle_gradient import by_particle


def some_jets(log_pt: Tensor, deta: Tensor, dphi: Tensor) -> Jets:
    """Two jets of three massless particles, one of them padding in the second, 1.2 from the middle of the detector.

    Args:
        log_pt, deta, dphi: (2, 3), by how much each particle is moved.
    """
    mask = torch.tensor([[True, True, True], [True, True, False]])
    pt = torch.tensor([[300.0, 90.0, 20.0], [400.0, 150.0, 1.0]], dtype=torch.float64) * log_pt.exp() * mask
    deta = torch.tensor([[0.02, -0.15, 0.3], [0.05, -0.13, 0.0]], dtype=torch.float64) + deta
    dphi = torch.tensor([[-0.03, 0.1, 0.2], [0.01, -0.03, 0.0]], dtype=torch.float64) + dphi
    px, py, energy = pt * dphi.cos(), pt * dphi.sin(), pt * (1.2 + deta).cosh()
    zero = torch.zeros_like(pt)
    return Jets(
        px=px, py=py, pz=pt * (1.2 + deta).sinh(), energy=energy, deta=deta * mask, dphi=dphi * mask, charge=mask * 1.0,
        is_charged_hadron=mask * 1.0, is_neutral_hadron=zero, is_photon=zero, is_electron=zero, is_muon=zero,
        d0=zero + 0.1, d0_error=zero + 0.02, dz=zero, dz_error=zero + 0.02, mask=mask,
        jet_pt=px.sum(1, keepdim=True), jet_energy=energy.sum(1, keepdim=True),
    )  # fmt: skip


@pytest.mark.parametrize("inputs", [KIN, FULL])
def test_gradients_by_particles_are_those_of_jets_that_moved(inputs: JetInputs) -> None:
    zeros = torch.zeros(2, 3, dtype=torch.float64)
    rng = torch.Generator().manual_seed(0)
    x = inputs(some_jets(zeros, zeros, zeros))
    weights = [torch.randn(t.shape, generator=rng, dtype=torch.float64) for t in x[:2]]

    def score(*moves: Tensor) -> Tensor:
        points, features, _ = inputs(some_jets(*moves))
        return (weights[0] * points).sum() + (weights[1] * features).sum()

    found = inputs.by_particle(x, weights)
    step = 1e-5
    for axis in range(3):
        for jet, particle in ((0, 0), (0, 2), (1, 1)):
            moves = [zeros.clone() for _ in range(3)]
            moves[axis][jet, particle] = step
            expected = (score(*moves) - score(*(-m for m in moves))) / (2 * step)
            assert found[jet, axis, particle].item() == pytest.approx(expected.item(), rel=2e-3, abs=2e-3), axis
    assert not found[1, :, 2].any()


def test_features_at_their_clip_do_not_move_and_the_graph_leads_to_the_gradients() -> None:
    zeros = torch.zeros(2, 3, dtype=torch.float64)
    points, features, mask = KIN(some_jets(zeros, zeros, zeros))
    features[:, 0] = 5.0  # part_pt_log at its clip
    only = torch.zeros_like(features)
    only[:, 0] = 1.0
    assert not by_particle(KIN.features, (points, features, mask), (torch.zeros_like(points), only)).any()
    gradient = torch.zeros_like(points).requires_grad_()
    pulled = by_particle(KIN.features, (points, features, mask), (gradient, torch.zeros_like(features)))
    (back,) = torch.autograd.grad(pulled.sum(), gradient)
    assert torch.equal(back[0], torch.ones_like(back[0]))  # an angle is itself
    fewer = replace(KIN, features=("part_pt_log",))
    assert torch.equal(
        fewer.by_particle((points, features[:, :1] * 0, mask), (gradient.detach(), only[:, :1]))[:, 0],
        0.7 * mask[:, 0].double(),
    )
