"""Input features of JetClass taggers: constituents -> (points, features, mask), differentiable, defined once for all.

Simulated jets and pseudo-jets pass through the same functions, so that a feature means the same in both.

Shapes: B jets, P particle slots (padding included), F features. Units: GeV, mm, radians.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from zskt.contracts import Batch
from zskt.dataset import Labelled
from zskt.errors import UserError, lookup
from zskt.jets.jets import TINY, Jets, JetSelection
from zskt.jets.object_collections import ObjectCollection
from zskt.jets.preprocess import UNBOUNDED, InputGroup, Preprocess, Variable


@dataclass(frozen=True)
class Feature:
    """One input feature: clip((raw - subtract) * multiply, -clip, clip)."""

    raw: Callable[[Jets], Tensor]
    subtract: float = 0.0
    multiply: float = 1.0
    clip: float = math.inf

    def __call__(self, jets: Jets) -> Tensor:
        value = (self.raw(jets) - self.subtract) * self.multiply
        return value if math.isinf(self.clip) else value.clamp(-self.clip, self.clip)


def _log(value: Tensor) -> Tensor:
    return value.clamp(min=TINY).log()


FEATURES: dict[str, Feature] = {
    "part_pt_log": Feature(lambda j: _log(j.pt), 1.7, 0.7, 5),
    "part_e_log": Feature(lambda j: _log(j.energy), 2.0, 0.7, 5),
    "part_logptrel": Feature(lambda j: _log(j.pt / j.jet_pt.clamp(min=TINY)), -4.7, 0.7, 5),
    "part_logerel": Feature(lambda j: _log(j.energy / j.jet_energy.clamp(min=TINY)), -4.7, 0.7, 5),
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
"""Definitions by name, of jet-universe/particle_transformer, data/JetClass/*.yaml."""

FIELDS_OF_FEATURE = {
    "part_charge": "charge", "part_isChargedHadron": "is_charged_hadron", "part_isNeutralHadron": "is_neutral_hadron",
    "part_isPhoton": "is_photon", "part_isElectron": "is_electron", "part_isMuon": "is_muon", "part_d0": "d0",
    "part_d0err": "d0_error", "part_dz": "dz", "part_dzerr": "dz_error",
}  # fmt: skip
"""Fields of `Jets` beside momenta that features are made of."""

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
    """The input specification of a JetClass tagger: which features, in which order, of how many particles at most.

    Raises:
        UserError: if a feature is unknown.
    """

    features: tuple[str, ...]
    """Names of the features, keys of `FEATURES`."""
    slots: int = 128
    """Largest number of particles; softer ones are left out."""
    selection: JetSelection = field(default_factory=JetSelection)
    domain: str = "jets"
    single_cloud: ClassVar[bool] = True
    """The inputs are one cloud of particles: points, features and mask."""

    def __post_init__(self) -> None:
        for name in self.features:
            lookup(FEATURES, name, "feature", see="")

    def collections(self) -> tuple[ObjectCollection, ...]:
        """Return the one collection that a student reads: the particles."""
        return (ObjectCollection((1,), 2, len(self.features), self.slots, of_jet=False),)

    def __call__(self, jets: Jets) -> Batch:
        """Compute points (B, 2, P), features (B, F, P), both zero on padding, and mask (B, 1, P); P at most `slots`."""
        jets = jets.mapped(lambda t: t[:, : self.slots])
        mask = jets.mask.unsqueeze(1)
        features = torch.stack([FEATURES[name](jets) for name in self.features], 1)
        points = torch.stack([jets.deta, jets.dphi], 1)
        return points * mask, torch.where(mask, features, 0.0), mask

    def read(self, file: Path, classes: Sequence[str]) -> Labelled:
        """Read jets of a JetClass file, labelled by position in the classes.

        Raises:
            UserError: if the file cannot be read, or holds jets that this tagger cannot be fed with.
        """
        from zskt.jets.read import read_constituents  # uproot takes a second to import

        return read_constituents(file, classes, self.needed_fields())

    def by_particle(self, x: Sequence[Tensor], gradients: Sequence[Tensor]) -> Tensor:
        """Return gradients by points and features as those by each particle's log pT, angles: see `by_particle`."""
        from zskt.jets.particle_gradient import by_particle  # which imports this file

        return by_particle(self.features, x, gradients)

    def needed_fields(self) -> frozenset[str]:
        """Return the fields of `Jets` beside momenta that the tagger looks at."""
        return frozenset(FIELDS_OF_FEATURE[name] for name in self.features if name in FIELDS_OF_FEATURE)

    def preprocess_form(self, classes: Sequence[str]) -> Preprocess:
        """Describe these inputs in CMS's layout.

        Args:
            classes: names of the network's outputs.
        """
        prepared = []
        for name in self.features:
            feature = FEATURES[name]
            clip = min(feature.clip, UNBOUNDED)
            prepared.append(Variable(name, feature.subtract, feature.multiply, 0.0, -clip, clip))
        points = tuple(Variable(name) for name in _ANGLES)
        inputs = (("pf_points", points), ("pf_features", tuple(prepared)), ("pf_mask", (Variable("part_mask"),)))
        groups = tuple(InputGroup(name, variables, 1, self.slots) for name, variables in inputs)
        return Preprocess(groups, tuple(classes))


KIN = JetInputs(features=_KINEMATICS + _ANGLES)
KINPID = JetInputs(features=_KINEMATICS + _TYPES + _ANGLES)
FULL = JetInputs(features=_KINEMATICS + _TYPES + _DISPLACEMENT + _ANGLES)
"""Feature sets of the published networks: kinematics; with particle types; with impact parameters, too."""


def require_features(state: dict[str, Tensor], key: str, inputs: JetInputs, where: str) -> None:
    """Raise `UserError` if the network's first parameter ``key`` does not take ``inputs``' number of features."""
    count, expected = (len(state[key]) if key in state else 0), len(inputs.features)
    if count != expected:
        raise UserError(
            f"{where}: the network takes {count} features, the card says {expected}: give the file that belongs to it, "
            "or say which teacher it is: --teacher NAME"
        )
