"""Jets that are scaled, smeared, rotated and boosted: what changes, what does not, and that 0 changes nothing."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from torch import Tensor

from zskt.jets.jetclass import read_labelled_jets
from zskt.jets.jets import Jets
from zskt.jets.sample import SAMPLE
from zskt.jets.variations import VARIATIONS, boosted, rotated, scaled, smeared


@pytest.fixture(scope="module")
def jets() -> Jets:
    samples = read_labelled_jets(SAMPLE)[0].samples[:200]
    assert isinstance(samples, Jets)
    columns = {f.name: getattr(samples, f.name) for f in fields(Jets)}
    return Jets(**{name: t if t.dtype == torch.bool else t.double() for name, t in columns.items()})


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def total(jets: Jets) -> list[Tensor]:
    return [(t * jets.mask).sum(1) for t in (jets.px, jets.py, jets.pz, jets.energy)]


@pytest.mark.parametrize("name", VARIATIONS)
def test_a_size_of_nothing_changes_nothing_and_the_order_is_that_of_momenta(jets: Jets, name: str) -> None:
    vary, sizes = VARIATIONS[name].change, VARIATIONS[name].sizes
    assert sizes[0] == 0 and list(sizes) == sorted(sizes)
    same = vary(jets, 0.0, rng())
    for f in fields(Jets):
        before, after = getattr(jets, f.name), getattr(same, f.name)
        if f.name == "mask":
            assert torch.equal(before, after)
        elif before.shape == jets.mask.shape:
            assert torch.allclose(before.sum(1), (after * same.mask).sum(1), atol=1e-6, rtol=1e-6), f.name
        else:
            assert torch.allclose(before, after), f.name
    pt = torch.where(same.mask, vary(jets, sizes[-1], rng()).pt, -1.0)
    assert bool((pt.diff(dim=1) <= 0).all())


def test_the_scale_multiplies_momenta_and_leaves_angles(jets: Jets) -> None:
    up = scaled(jets, 0.01)
    assert torch.allclose(up.pt[jets.mask], 1.01 * jets.pt[jets.mask]) and torch.allclose(up.jet_pt, 1.01 * jets.jet_pt)
    assert torch.equal(up.deta, jets.deta) and torch.equal(up.energy, jets.energy * 1.01)


def test_a_rotation_keeps_momentum_energy_and_mass_of_the_jet_and_turns_angles(jets: Jets) -> None:
    turned = rotated(jets, 1.0)
    for before, after in zip(total(jets), total(turned), strict=True):
        assert torch.allclose(before, after, atol=1e-6)
    assert torch.allclose(jets.mass, turned.mass, rtol=1e-6)
    assert not torch.allclose(jets.deta, turned.deta, atol=1e-2)
    whole = rotated(jets, 2 * torch.pi)
    assert torch.allclose((whole.deta * whole.pt).sum(1), (jets.deta * jets.pt).sum(1), atol=1e-5)
    # A quarter of a turn, in the plane across a central jet, takes eta to phi.
    one = {f.name: torch.zeros(1, 2, dtype=torch.float64) for f in fields(Jets)}
    one |= {"px": torch.full((1, 2), 100.0).double(), "pz": torch.tensor([[1.0, -1.0]]).double()}
    one |= {"energy": (one["px"] ** 2 + one["pz"] ** 2).sqrt(), "mask": torch.ones(1, 2, dtype=torch.bool)}
    one |= {"deta": torch.tensor([[0.01, -0.01]]).double(), "jet_pt": torch.tensor([[200.0]]).double()}
    one |= {"jet_energy": one["energy"].sum(1, keepdim=True)}
    quarter = rotated(Jets(**one), torch.pi / 2)
    assert torch.allclose(quarter.deta, torch.zeros(1, 2).double(), atol=1e-6)
    assert torch.allclose(quarter.dphi.abs(), torch.full((1, 2), 0.01).double(), atol=1e-5)


def test_a_boost_is_lorentzs_along_the_axis(jets: Jets) -> None:
    fast = boosted(jets, 0.3)
    assert torch.allclose(jets.mass, fast.mass, rtol=1e-5)
    before, after = (torch.stack(total(j)[:3]) for j in (jets, fast))
    cosine = torch.nn.functional.cosine_similarity(before, after, dim=0)
    assert torch.allclose(cosine, torch.ones_like(cosine), atol=1e-9)
    energy, momentum = total(jets)[3], before.norm(dim=0)
    rapidity = torch.tensor(0.3, dtype=torch.float64)
    assert torch.allclose(total(fast)[3], energy * rapidity.cosh() + momentum * rapidity.sinh())
    assert torch.allclose(fast.jet_pt / jets.jet_pt, (after.norm(dim=0) / before.norm(dim=0)).unsqueeze(1), rtol=1e-5)
    width = [(j.pt * (j.deta**2 + j.dphi**2).sqrt()).sum(1) / j.pt.sum(1) for j in (jets, fast)]
    assert bool((width[1] < width[0]).double().mean() > 0.95)  # a faster jet is narrower


def test_smearing_is_of_the_size_and_of_each_particle(jets: Jets) -> None:
    blurred = smeared(jets, 0.1, rng())
    ratios = (blurred.px.abs() + blurred.py.abs()).sort(1).values.sum(1) / (jets.px.abs() + jets.py.abs()).sum(1)
    assert 0 < (ratios - 1).abs().mean() < 0.1
    noise = torch.randn(jets.pt.shape, generator=rng()).double()
    expected = ((1 + 0.1 * noise).clamp(min=0.1) * jets.energy * jets.mask).sum(1)
    assert torch.allclose(blurred.energy.sum(1), expected)
