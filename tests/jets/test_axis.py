"""Angles and momenta relative to the jet's axis, against vectors."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from zskt.jets.axis import PION_MASS, cos_to_axis, distance, dphi, rapidity_along, rapidity_to_axis, sin_to_axis
from zskt.jets.collections import Collection

PARTICLES = Collection(
    {"pt": torch.tensor([[5.0, 2.0]]), "eta": torch.tensor([[0.3, 0.7]]), "phi": torch.tensor([[3.1, -3.1]])},
    torch.ones(1, 2).bool(),
)
JET = {"eta": torch.tensor([[0.4]]), "phi": torch.tensor([[3.0]])}


def direction(eta: Tensor, phi: Tensor) -> Tensor:
    p = torch.stack([phi.cos(), phi.sin(), eta.sinh()], -1)
    return p / p.norm(dim=-1, keepdim=True)


def test_azimuths_are_wrapped() -> None:
    assert dphi(PARTICLES, JET)[0].tolist() == pytest.approx([0.1, 2 * math.pi - 6.1], abs=1e-5)
    expected = [math.hypot(0.1, 0.1), math.hypot(0.3, 2 * math.pi - 6.1)]
    assert distance(PARTICLES, JET)[0].tolist() == pytest.approx(expected, abs=1e-5)


def test_cosine_and_sine_are_those_of_the_vectors() -> None:
    cosine = (direction(PARTICLES["eta"], PARTICLES["phi"]) * direction(JET["eta"], JET["phi"])).sum(-1)
    assert torch.allclose(cos_to_axis(PARTICLES, JET), cosine, atol=1e-6)
    assert torch.allclose(sin_to_axis(PARTICLES, JET), (1 - cosine**2).sqrt(), atol=1e-4)


def test_rapidity_is_that_of_a_pion() -> None:
    momentum, parallel = torch.tensor([2.0]), torch.tensor([1.5])
    energy = math.hypot(2.0, PION_MASS)
    assert rapidity_along(momentum, parallel).item() == pytest.approx(math.atanh(1.5 / energy), rel=1e-5)
    size = PARTICLES["pt"] * PARTICLES["eta"].cosh()
    expected = rapidity_along(size, size * cos_to_axis(PARTICLES, JET))
    assert torch.equal(rapidity_to_axis(PARTICLES, JET), expected)
