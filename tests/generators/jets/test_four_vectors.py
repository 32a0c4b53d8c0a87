"""Four-vectors: boosts and decays conserve what they must."""

from __future__ import annotations

import torch

from generators.jets.four_vectors import boost, from_pt_eta_phi_mass, pt_eta_phi, two_body


def test_two_body_decay_conserves_four_momentum_and_gives_the_masses() -> None:
    mass, m1, m2 = torch.tensor([173.0, 125.0]), torch.tensor([80.4, 4.8]), torch.tensor([4.8, 4.8])
    parent = from_pt_eta_phi_mass(
        torch.tensor([600.0, 700.0]), torch.tensor([0.5, -1.0]), torch.tensor([1.0, 2.0]), mass
    )
    a, b = two_body(parent, mass, m1, m2, torch.tensor([0.3, -0.9]), torch.tensor([0.1, 4.0]))
    assert torch.allclose(a + b, parent, rtol=1e-4, atol=1e-2)
    mass2 = a[:, 0] ** 2 - a[:, 1:].square().sum(1)
    assert torch.allclose(mass2.sqrt(), m1, rtol=2e-2)


def test_boosting_a_particle_at_rest_gives_the_frame() -> None:
    frame = from_pt_eta_phi_mass(torch.tensor([10.0]), torch.tensor([0.5]), torch.tensor([1.0]), 2.0)
    assert torch.allclose(boost(torch.tensor([[2.0, 0, 0, 0]]), frame, torch.tensor([2.0])), frame, rtol=1e-5)


def test_conversion_there_and_back_changes_nothing() -> None:
    pt, eta, phi = torch.tensor([3.0, 500.0]), torch.tensor([-1.5, 2.0]), torch.tensor([3.0, -2.0])
    four = from_pt_eta_phi_mass(pt, eta, phi, 0.0)
    assert torch.allclose(four[:, 0].square(), four[:, 1:].square().sum(1), rtol=1e-5)
    for value, again in zip((pt, eta, phi), pt_eta_phi(four), strict=True):
        assert torch.allclose(value, again, rtol=1e-5)
