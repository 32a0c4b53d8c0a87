"""Jets as another detector, another frame or another calibration would show them: scaled, smeared, rotated, boosted.

Impact parameters and particle types stay as they are. A size of 0 changes nothing.

Shapes: B jets, P particle slots. Units: GeV, radians.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from zskt.jets.angles import wrap
from zskt.jets.jets import TINY, Jets
from zskt.robustness import Variation

MIN_SCALE = 0.1
"""Smallest factor on a smeared momentum, as the simulated detector has it."""


def scaled(jets: Jets, size: float, rng: torch.Generator | None = None) -> Jets:
    """Multiply all momenta and energies by 1 + size: the jet energy scale."""
    names = ("px", "py", "pz", "energy", "jet_pt", "jet_energy")
    return replace(jets, **{name: getattr(jets, name) * (1 + size) for name in names})


def smeared(jets: Jets, size: float, rng: torch.Generator) -> Jets:
    """Multiply each particle's momentum and energy by 1 + size times a normal number."""
    noise = torch.randn(jets.pt.shape, generator=rng).to(jets.pt)
    factor = (1 + size * noise).clamp(min=MIN_SCALE)
    return _moved(jets, *(factor * t for t in (jets.px, jets.py, jets.pz, jets.energy)))


def rotated(jets: Jets, size: float, rng: torch.Generator | None = None) -> Jets:
    """Rotate all particles about the jet's axis by an angle (O. Rodrigues' formula)."""
    momenta, axis = torch.stack([jets.px, jets.py, jets.pz], -1), _axis(jets).unsqueeze(1)
    along = (momenta * axis).sum(-1, keepdim=True) * axis
    angle = torch.tensor(size, dtype=momenta.dtype)
    across = torch.linalg.cross(axis.expand_as(momenta), momenta)
    px, py, pz = (along + (momenta - along) * angle.cos() + across * angle.sin()).unbind(-1)
    return _moved(jets, px, py, pz, jets.energy)


def boosted(jets: Jets, size: float, rng: torch.Generator | None = None) -> Jets:
    """Boost all particles along the jet's axis by a rapidity; of particles near it, that multiplies by exp(size)."""
    momenta, axis = torch.stack([jets.px, jets.py, jets.pz], -1), _axis(jets).unsqueeze(1)
    along = (momenta * axis).sum(-1)
    rapidity = torch.tensor(size, dtype=momenta.dtype)
    energy = jets.energy * rapidity.cosh() + along * rapidity.sinh()
    after = along * rapidity.cosh() + jets.energy * rapidity.sinh()
    px, py, pz = (momenta + (after - along).unsqueeze(-1) * axis).unbind(-1)
    return _moved(jets, px, py, pz, energy)


VARIATIONS = {
    "rotation": Variation(rotated, (0.0, 0.4, 0.8, 1.6, 3.14), "radians about the jet's axis"),
    "boost": Variation(boosted, (0.0, 0.1, 0.2, 0.4, 0.8), "rapidity along the jet's axis"),
    "smearing": Variation(smeared, (0.0, 0.05, 0.1, 0.2, 0.4), "resolution of each particle, a share"),
}
"""What students are asked about. H. Liu et al. distil a Lorentz-equivariant tagger, with data, and find its student the
more robust against boosts (arXiv:2311.14160): questions for any student."""


def _axis(jets: Jets) -> Tensor:
    """Return the direction of the sum of momenta, (B, 3)."""
    total = torch.stack([(t * jets.mask).sum(1) for t in (jets.px, jets.py, jets.pz)], -1)
    return torch.nn.functional.normalize(total, dim=-1)


def _moved(jets: Jets, px: Tensor, py: Tensor, pz: Tensor, energy: Tensor) -> Jets:
    """Return the jets with other momenta: what is relative to the jet follows, and the order is that of momenta.

    Angles are those that were there and what has changed of them, so that a file's own axis stays its own.
    """
    before, after = (jets.px, jets.py, jets.pz, jets.energy), (px, py, pz, energy)
    sums = [[(t * jets.mask).sum(1, keepdim=True) for t in four] for four in (before, after)]
    relative = [_relative(four, total) for four, total in zip((before, after), sums, strict=True)]
    side = torch.where(sums[0][2] < 0, -1.0, 1.0)
    pts = [(x.square() + y.square() + TINY).sqrt() for x, y, _, _ in sums]
    changed = replace(
        jets,
        **dict(zip(("px", "py", "pz", "energy"), (t * jets.mask for t in after), strict=True)),
        deta=(jets.deta + side * (relative[1][0] - relative[0][0])) * jets.mask,
        dphi=wrap(jets.dphi + relative[1][1] - relative[0][1]) * jets.mask,
        jet_pt=jets.jet_pt * pts[1] / pts[0],
        jet_energy=jets.jet_energy * sums[1][3] / sums[0][3],
    )
    order = torch.where(jets.mask, changed.pt, -1.0).argsort(stable=True, dim=1, descending=True)
    return changed.mapped(lambda t: t.gather(1, order) if t.shape == order.shape else t)


def _relative(four: tuple[Tensor, ...], total: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Return pseudorapidity and azimuth from the sum of momenta, (B, P) each."""
    eta, phi = _angles(*four[:3])
    axis_eta, axis_phi = _angles(*total[:3])
    return eta - axis_eta, wrap(phi - axis_phi)


def _angles(px: Tensor, py: Tensor, pz: Tensor) -> tuple[Tensor, Tensor]:
    return torch.asinh(pz / (px.square() + py.square() + TINY).sqrt()), torch.atan2(py, px)
