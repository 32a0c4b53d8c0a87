"""What a jet tagger is fed: constituents -> (points, features, mask), differentiable, one definition for all.

Simulated jets and pseudo-jets pass through the same functions, so that a feature means the same in both.

Shapes: B jets, P particle slots (padding included), F features. Units: GeV, mm, radians.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from zskt.errors import UserError, lookup

Batch = tuple[Tensor, ...]
"""What a network is called with, ``network(*batch)``: for jets points (B, 2, P), features (B, F, P), mask (B, 1, P)."""

TINY = 1e-8  # GeV, and radians squared: keeps logarithms and square roots, and their gradients, finite


class Samples(Protocol):
    """Data of any domain: `Jets`, or a tensor of pixels."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Tensor | slice, /) -> Self: ...


class Inputs(Protocol):
    """How a network of some domain is fed."""

    @property
    def domain(self) -> str:
        """Name of the domain: "jets", "images"."""
        ...

    def __call__(self, samples: Any, /) -> Batch:
        """Samples of the domain -> what the network is called with."""
        ...


@dataclass(frozen=True, kw_only=True)
class Jets:
    """A batch of jets by their constituents, sorted by transverse momentum; every field (B, P) unless said."""

    px: Tensor
    py: Tensor
    pz: Tensor
    energy: Tensor
    deta: Tensor
    """Pseudorapidity relative to the jet axis, times the sign of the axis's own."""
    dphi: Tensor
    charge: Tensor
    is_charged_hadron: Tensor
    is_neutral_hadron: Tensor
    is_photon: Tensor
    is_electron: Tensor
    is_muon: Tensor
    d0: Tensor
    d0_error: Tensor
    dz: Tensor
    dz_error: Tensor
    jet_pt: Tensor
    """(B, 1)"""
    jet_energy: Tensor
    """(B, 1)"""
    mask: Tensor
    """(B, P) of bool: False on padding."""

    def __len__(self) -> int:
        return len(self.mask)

    def __getitem__(self, rows: Tensor | slice) -> Jets:
        """Some of the jets, padding trimmed to the longest of them."""
        longest = max(int(self.mask[rows].sum(1).max()), 1) if len(self.mask[rows]) else 1
        return Jets(**{f.name: getattr(self, f.name)[rows][:, :longest] for f in fields(self)})

    def to(self, device: torch.device) -> Jets:
        return Jets(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    @property
    def pt(self) -> Tensor:
        return (self.px.square() + self.py.square() + TINY).sqrt()

    @property
    def mass(self) -> Tensor:
        """(B,): the invariant mass of all constituents."""
        energy, px, py, pz = ((t * self.mask).sum(1) for t in (self.energy, self.px, self.py, self.pz))
        return (energy.square() - px.square() - py.square() - pz.square()).clamp(min=TINY).sqrt()


@dataclass(frozen=True)
class Feature:
    """One input: clip((raw - subtract) * multiply, -clip, clip)."""

    raw: Callable[[Jets], Tensor]
    subtract: float = 0.0
    multiply: float = 1.0
    clip: float = math.inf

    def __call__(self, jets: Jets) -> Tensor:
        value = (self.raw(jets) - self.subtract) * self.multiply
        return value if math.isinf(self.clip) else value.clamp(-self.clip, self.clip)


def _log(value: Tensor) -> Tensor:
    return value.clamp(min=TINY).log()


# Definitions: configuration of the JetClass networks, jet-universe/particle_transformer, data/JetClass/*.yaml.
FEATURES: dict[str, Feature] = {
    "part_pt_log": Feature(lambda j: _log(j.pt), 1.7, 0.7, 5),
    "part_e_log": Feature(lambda j: _log(j.energy), 2.0, 0.7, 5),
    "part_logptrel": Feature(lambda j: _log(j.pt / j.jet_pt), -4.7, 0.7, 5),
    "part_logerel": Feature(lambda j: _log(j.energy / j.jet_energy), -4.7, 0.7, 5),
    "part_deltaR": Feature(lambda j: (j.deta.square() + j.dphi.square() + TINY).sqrt(), 0.2, 4.0, 5),
    "part_charge": Feature(lambda j: j.charge),
    "part_isChargedHadron": Feature(lambda j: j.is_charged_hadron),
    "part_isNeutralHadron": Feature(lambda j: j.is_neutral_hadron),
    "part_isPhoton": Feature(lambda j: j.is_photon),
    "part_isElectron": Feature(lambda j: j.is_electron),
    "part_isMuon": Feature(lambda j: j.is_muon),
    "part_d0": Feature(lambda j: j.d0.tanh()),
    "part_d0err": Feature(lambda j: j.d0_error.clamp(0, 1)),
    "part_dz": Feature(lambda j: j.dz.tanh()),
    "part_dzerr": Feature(lambda j: j.dz_error.clamp(0, 1)),
    "part_deta": Feature(lambda j: j.deta),
    "part_dphi": Feature(lambda j: j.dphi),
}

_KINEMATICS = ("part_pt_log", "part_e_log", "part_logptrel", "part_logerel", "part_deltaR")
_TYPES = (
    "part_charge",
    "part_isChargedHadron",
    "part_isNeutralHadron",
    "part_isPhoton",
    "part_isElectron",
    "part_isMuon",
)
_DISPLACEMENT = ("part_d0", "part_d0err", "part_dz", "part_dzerr")
_ANGLES = ("part_deta", "part_dphi")


@dataclass(frozen=True)
class Phase:
    """Which jets a tagger is for."""

    radius: float = 0.8
    pt_low: float = 500.0
    pt_high: float = 1000.0
    """GeV"""
    eta_max: float = 2.0
    slope: float = 3.0
    """Of the spectrum of pseudo-jets, dN/dpT ~ pT^-slope."""
    pileup: float = 0.0
    """Mean number of particles of other collisions within a radius of 0.8; a jet draws its own mean, up to twice it."""
    strange: float = 0.0
    """Share of hadrons that are strange and decay into two charged ones far from the vertex: K0S and Lambda."""
    resolution: float = 0.0
    """How much the resolution of tracks varies from jet to jet, for what nobody outside knows: of its logarithm."""

    @property
    def whole(self) -> bool:
        """Whether a jet holds all that its origin decays to; smaller ones hold a prong."""
        return self.radius >= 0.8


@dataclass(frozen=True, kw_only=True)
class JetInputs:
    """The input specification of a jet tagger: which features, in which order, of how many particles at most.

    Raises:
        UserError: if a feature is unknown.
    """

    features: tuple[str, ...]
    slots: int = 128
    phase: Phase = field(default_factory=Phase)
    domain: str = "jets"

    def __post_init__(self) -> None:
        for name in self.features:
            lookup(FEATURES, name, "feature")

    def __call__(self, jets: Jets) -> Batch:
        """Points (B, 2, P), features (B, F, P), both zero on padding, and mask (B, 1, P); P at most `slots`."""
        jets = Jets(**{f.name: getattr(jets, f.name)[:, : self.slots] for f in fields(jets)})
        mask = jets.mask.unsqueeze(1)
        features = torch.stack([FEATURES[name](jets) for name in self.features], 1)
        points = torch.stack([jets.deta, jets.dphi], 1)
        return points * mask, torch.where(mask, features, 0.0), mask


KIN = JetInputs(features=_KINEMATICS + _ANGLES)
KINPID = JetInputs(features=_KINEMATICS + _TYPES + _ANGLES)
FULL = JetInputs(features=_KINEMATICS + _TYPES + _DISPLACEMENT + _ANGLES)


def require_features(state: dict[str, Tensor], key: str, inputs: JetInputs, where: str) -> None:
    """Raise `UserError` if the network's first parameter ``key`` does not take ``inputs``' number of features."""
    found, wanted = (len(state[key]) if key in state else 0), len(inputs.features)
    if found != wanted:
        raise UserError(
            f"{where}: the network takes {found} features, the card says {wanted}: give the file that belongs to it"
        )
