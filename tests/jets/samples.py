"""Jets for the tests of this folder."""

from __future__ import annotations

import torch

from zskt.jets.jetclass import read_jets
from zskt.jets.jets import Jets
from zskt.jets.sample import SAMPLE


def sample_jets(most: int = 200) -> Jets:
    """Return the first jets of the sample that ships."""
    jets = read_jets(SAMPLE, most=most).samples
    assert isinstance(jets, Jets)
    return jets


def decayed(point: tuple[float, float, float], count: int = 4) -> Jets:
    """One jet of prompt and displaced charged pions: the latter come from ``point``, cm, measured without errors."""
    phi = torch.linspace(-0.1, 0.1, 2 * count) + 0.3
    eta = torch.linspace(0.3, 0.45, 2 * count)
    pt = torch.linspace(30, 10, 2 * count)
    x, y, z = (10 * p for p in point)  # mm
    far = torch.arange(2 * count) % 2 == 0
    d0 = (x * phi.sin() - y * phi.cos()) * far
    dz = (z - (x * phi.cos() + y * phi.sin()) * eta.sinh()) * far
    px, py, pz = pt * phi.cos(), pt * phi.sin(), pt * eta.sinh()
    energy = (px**2 + py**2 + pz**2 + 0.14**2).sqrt()
    one, zero = torch.ones_like(pt), torch.zeros_like(pt)
    columns = {
        "px": px, "py": py, "pz": pz, "energy": energy, "deta": eta - eta.mean(), "dphi": phi - phi.mean(),
        "charge": one, "is_charged_hadron": one, "is_neutral_hadron": zero, "is_photon": zero, "is_electron": zero,
        "is_muon": zero, "d0": d0, "d0_error": 0.02 * one, "dz": dz, "dz_error": 0.03 * one,
    }  # fmt: skip
    dense = {k: v.unsqueeze(0) for k, v in columns.items()}
    scalars = {"jet_pt": pt.sum().view(1, 1), "jet_energy": energy.sum().view(1, 1)}
    return Jets(**dense, **scalars, mask=one.bool().unsqueeze(0))
