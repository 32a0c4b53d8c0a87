"""What a jet tagger is fed: constituents -> (points, features, mask), differentiable, one definition for all.

Simulated jets and pseudo-jets pass through the same functions, so that a feature means the same in both.

Shapes: B jets, P particle slots (padding included), F features. Units: GeV, mm, radians.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import ClassVar

import torch
from torch import Tensor

from zskt.contracts import Batch
from zskt.errors import UserError, lookup
from zskt.jets.jets import TINY, Jets, JetSelection
from zskt.jets.object_collections import ObjectCollection


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


@dataclass(frozen=True, kw_only=True)
class JetInputs:
    """The input specification of a jet tagger: which features, in which order, of how many particles at most.

    Raises:
        UserError: if a feature is unknown.
    """

    features: tuple[str, ...]
    slots: int = 128
    selection: JetSelection = field(default_factory=JetSelection)
    domain: str = "jets"
    single_cloud: ClassVar[bool] = True
    """The inputs are one cloud of particles: points, features and mask."""

    def __post_init__(self) -> None:
        for name in self.features:
            lookup(FEATURES, name, "feature")

    def collections(self) -> tuple[ObjectCollection, ...]:
        """Return the one collection that a student reads: the particles."""
        return (ObjectCollection((1,), 2, len(self.features), self.slots, of_jet=False),)

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
