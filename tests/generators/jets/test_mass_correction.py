"""Resonances keep their masses."""

from __future__ import annotations

import torch

from generators.jets.decays import ParticleKind, Particles
from generators.jets.four_vectors import from_pt_eta_phi_mass
from generators.jets.mass_correction import restore_masses


def prongs(*rows: tuple[int, float, float, float]) -> Particles:
    """Particles by prong, transverse momentum, pseudorapidity and azimuth."""
    prong, pt, eta, phi = (torch.tensor(column) for column in zip(*rows, strict=True))
    zero = torch.zeros(len(rows))
    kind = torch.full((len(rows),), int(ParticleKind.PHOTON))
    return Particles(prong, kind, zero, pt.requires_grad_(), eta, phi, zero, zero)


def mass(p: Particles) -> torch.Tensor:
    """Invariant mass of all particles."""
    energy, *momentum = from_pt_eta_phi_mass(p.pt, p.eta, p.phi, 0.0).sum(0).unbind(0)
    return (energy.square() - sum(component.square() for component in momentum)).sqrt()  # type: ignore[no-any-return]


def test_two_prongs_move_to_the_mass_of_their_parent() -> None:
    p = prongs((0, 300.0, 0.15, 0.0), (0, 20.0, 0.1, 0.1), (1, 250.0, -0.15, 0.05))
    assert mass(p) > 85
    moved = restore_masses(p, torch.tensor([[80.4, 0.0]]), torch.tensor([80.4]))
    assert abs(mass(moved).item() - 80.4) < 2
    assert torch.equal(moved.pt, p.pt)
    # Particles of a prong move together.
    assert torch.allclose(moved.eta[0] - moved.eta[1], p.eta[0] - p.eta[1], atol=1e-6)


def test_a_single_prong_stays_and_empty_slots_have_finite_gradients() -> None:
    p = prongs((0, 300.0, 0.15, 0.0), (0, 20.0, 0.1, 0.1))
    moved = restore_masses(p, torch.tensor([[0.0, 0.0]]), torch.tensor([0.0]))
    assert torch.equal(moved.eta, p.eta) and torch.equal(moved.phi, p.phi)
    (gradient,) = torch.autograd.grad(moved.eta.sum() + moved.phi.sum(), p.pt)
    assert torch.isfinite(gradient).all()
