"""Decode what a tagger is called with into the constituents of its jets: the inverse of how its inputs are prepared.

What preparation clips stays clipped: nobody behind a tagger's inputs sees more than the tagger.

Shapes: B jets, C variables, P entries. Units: GeV, mm or cm, radians.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from zskt.errors import UserError
from zskt.jets.constituents import Constituents
from zskt.jets.features import FEATURES, JetInputs
from zskt.jets.object_collections import ObjectCollection
from zskt.jets.tagger_inputs import AnyJetInputs, ResolvedInput, TaggerInputs
from zskt.jets.variables import (
    DETA,
    DXY_SIG,
    EVALUATOR_VARIABLES,
    JET_VARIABLES,
    JETCLASS_VARIABLES,
    KINEMATIC_VARIABLES,
    RAW_VARIABLES,
    TRACK_VARIABLES,
    VariableDefinition,
)

MAX_TANH = 0.9999
"""Largest tanh(d0) that is inverted: d0 of 5 mm."""
SUBSETS = (("charge",), ("is_photon", "is_neutral_hadron"))
"""What inputs of charged and of neutral particles hold, which are the whole jet together."""

Decoder = Callable[..., Constituents]


def decoder(inputs: AnyJetInputs) -> tuple[Decoder, frozenset[str]]:
    """Return what decodes a tagger's batch, and the names of the fields of `Constituents` that it can tell.

    Raises:
        UserError: if momenta and angles of the particles cannot be had.
    """
    return _of_cloud(inputs) if isinstance(inputs, JetInputs) else _of_collections(inputs)


@dataclass(frozen=True)
class CloudDecoder:
    """Decode (points, features, mask) of a JetClass tagger."""

    features: tuple[str, ...]

    def __call__(self, points: Tensor, features: Tensor, mask: Tensor) -> Constituents:
        """Take (B, 2, P), (B, C, P) and (B, 1, P)."""
        real = mask.squeeze(1) > 0

        def raw(name: str) -> Tensor:
            feature = FEATURES[name]
            return torch.where(real, features[:, self.features.index(name)] / feature.multiply + feature.subtract, 0.0)

        eta, phi = (torch.where(real, points[:, i], 0.0) for i in range(2))
        pt = torch.where(real, raw("part_pt_log").exp(), 0.0)
        energy = raw("part_e_log").double().exp() * real if "part_e_log" in self.features else None
        return Constituents(
            pt=pt,
            eta=eta,
            phi=phi,
            mask=real,
            charge=raw("part_charge") if "part_charge" in self.features else None,
            significance=_of_tanh(raw("part_d0"), raw("part_d0err")) if "part_d0" in self.features else None,
            abs_eta=None if energy is None else _abs_eta(raw("part_pt_log").double().exp() * real, eta, energy),
        )


def _of_tanh(d0: Tensor, error: Tensor) -> Tensor:
    """Return |d0| over its error of tanh(d0 / mm); 0 where there is no error."""
    has = error > 0
    return torch.where(has, d0.clamp(-MAX_TANH, MAX_TANH).atanh().abs() / torch.where(has, error, 1.0), 0.0)


def _abs_eta(pt: Tensor, deta: Tensor, energy: Tensor) -> Tensor:
    """Return |eta| = a of a jet from pT, angles signed by the jet's side, and energies: (B, P) -> (B,).

    It solves sum E = sum pT cosh(a + deta), which is r cosh(a + b). Near a = -b the inverse of cosh makes a rounding of
    1e-7 one of 1e-4, so momenta and energies are of 64 bits; the inverses are logarithms, as onnxruntime has these.
    """
    dtype, deta = deta.dtype, deta.double()
    cosh, sinh = (pt * deta.cosh()).sum(1), (pt * deta.sinh()).sum(1)
    tanh = (sinh / cosh.clamp(min=1e-9)).clamp(-0.99, 0.99)
    b, r = ((1 + tanh) / (1 - tanh)).log() / 2, cosh * (1 - tanh.square()).sqrt()
    ratio = (energy.sum(1) / r.clamp(min=1e-9)).clamp(min=1 + 1e-6)
    return ((ratio + (ratio.square() - 1).sqrt()).log() - b).clamp(min=0).to(dtype)


def _of_cloud(inputs: JetInputs) -> tuple[Decoder, frozenset[str]]:
    if "part_pt_log" not in inputs.features:
        raise UserError(f"the teacher takes no part_pt_log, so no momenta: it takes {', '.join(inputs.features)}")
    needs = {"charge": ("part_charge",), "significance": ("part_d0", "part_d0err"), "abs_eta": ("part_e_log",)}
    known = frozenset(name for name, features in needs.items() if set(features) <= set(inputs.features))
    return CloudDecoder(tuple(inputs.features)), known


class Place(NamedTuple):
    """Where among the inputs a variable is, and how it was prepared."""

    input: int
    row: int
    median: float
    norm_factor: float

    def raw(self, x: Sequence[Tensor], real: Tensor | None = None) -> Tensor:
        """Return its values before preparation: (B, P), 0 where there is nothing real, or (B, 1) of the jet itself."""
        values = x[self.input][:, self.row]
        values = (values if values.dim() > 1 else values.unsqueeze(1)) / self.norm_factor + self.median
        return values if real is None else torch.where(real, values, 0.0)


Places = Mapping[VariableDefinition, Place]
Ways = Mapping[VariableDefinition, Callable[[Tensor], Tensor]]
"""Variables that tell the same, and how; the first that is there counts."""


@dataclass(frozen=True)
class CollectionsDecoder:
    """Decode the inputs of a tagger from a file."""

    parts: tuple[tuple[ObjectCollection, Places], ...]
    """The collections of particles that are the jet together, and the variables of each."""
    vertices: ObjectCollection | None
    jet: Places

    def __call__(self, *x: Tensor) -> Constituents:
        """Take the tagger's inputs, (B, C, P) or (B, C) each."""
        decoded = [_particles(collection, places, x) for collection, places in self.parts]
        shared = set.intersection(*map(set, decoded))
        columns = {name: torch.cat([part[name] for part in decoded], 1) for name in shared}
        eta = _first(self.jet, {JET_VARIABLES["abseta"]: _same, JET_VARIABLES["eta"]: torch.abs}, x)
        pt, mean_of = columns["pt"], columns.pop("abs_eta", None)
        if eta is not None:
            columns["abs_eta"] = eta.squeeze(1)
        elif mean_of is not None:
            columns["abs_eta"] = ((pt * mean_of).sum(1) / pt.sum(1).clamp(min=1e-9)).abs()
        if self.vertices is not None:
            columns["vertices"] = (self.vertices.real(x, self.vertices.read(x)) > 0).sum(1)
        return Constituents(**columns)


def _same(x: Tensor) -> Tensor:
    return x


KV = KINEMATIC_VARIABLES
MOMENTA: Ways = {KV["pt"]: _same, KV["pt_log"]: torch.exp}
"""Variables that tell pT, and how."""
ETA: Ways = dict.fromkeys((DETA, EVALUATOR_VARIABLES["deta"], KV["eta"]), _same)
PHI: Ways = dict.fromkeys((KV["dphi"], EVALUATOR_VARIABLES["dphi"], KV["phi"]), _same)
SIDES: Ways = {KV["eta"]: _same, KV["abseta"]: _same}
"""Variables of particles whose mean is the jet's eta, up to its sign."""
SIGNIFICANCES: Ways = {
    DXY_SIG: torch.abs,
    EVALUATOR_VARIABLES["dxysig"]: torch.abs,
}
PAIRS = (
    (TRACK_VARIABLES["dxy"], TRACK_VARIABLES["dxyerr"], False),
    (RAW_VARIABLES["part_d0val"], RAW_VARIABLES["part_d0err"], False),
    (JETCLASS_VARIABLES["d0val"], JETCLASS_VARIABLES["d0err"], False),
    (JETCLASS_VARIABLES["d0"], JETCLASS_VARIABLES["d0err"], True),
)
"""An impact parameter, its error, and whether it is a tanh."""
CARTESIAN = tuple(KV[name] for name in ("px", "py", "pz"))


def _first(places: Places, ways: Ways, x: Sequence[Tensor], real: Tensor | None = None) -> Tensor | None:
    """Return the raw values of the first of some variables that is there, as its function makes them."""
    return next((of(places[name].raw(x, real)) for name, of in ways.items() if name in places), None)


def _particles(collection: ObjectCollection, places: Places, x: Sequence[Tensor]) -> dict[str, Tensor]:
    """Decode the particles of one collection, (B, P) each."""
    real = collection.real(x, collection.read(x)) > 0
    if all(name in places for name in CARTESIAN):
        px, py, pz = (places[name].raw(x, real) for name in CARTESIAN)
        there = px.square() + py.square() > 0
        px = torch.where(there, px, 1.0)  # no angle of nothing, whose gradient would not be finite
        momenta = (px.square() + py.square()).sqrt()
        eta, phi, pt = torch.asinh(pz / momenta), torch.atan2(py, px), torch.where(there, momenta, 0.0)
    else:
        found = [_first(places, ways, x, real) for ways in (MOMENTA, ETA, PHI)]
        momenta, eta, phi = (value for value in found if value is not None)
        pt = torch.where(real, momenta, 0.0)
    others = {
        "charge": _first(places, {TRACK_VARIABLES["charge"]: _same}, x, real),
        "significance": _significance(places, x, real),
        "abs_eta": _first(places, SIDES, x, real),
    }
    known = {name: value for name, value in others.items() if value is not None}
    return {"pt": pt, "eta": eta, "phi": phi, "mask": real} | known


def _significance(places: Places, x: Sequence[Tensor], real: Tensor) -> Tensor | None:
    found = _first(places, SIGNIFICANCES, x, real)
    if found is not None:
        return found
    for value, error, is_tanh in PAIRS:
        if value in places and error in places:
            d0, sigma = places[value].raw(x, real), places[error].raw(x, real)
            if is_tanh:
                return _of_tanh(d0, sigma)
            has = sigma > 0
            return torch.where(has, d0.abs() / torch.where(has, sigma, 1.0), 0.0)
    return None


def _of_collections(inputs: TaggerInputs) -> tuple[Decoder, frozenset[str]]:
    groups: dict[str, list[tuple[int, ResolvedInput]]] = {}
    for i, role in enumerate(inputs.roles):
        groups.setdefault(role.group.collection, []).append((i, role))
    collections = {c.features[0]: c for c in inputs.collections()}
    described = [
        (members[0][1].kind, members[0][1].only, collection, _places(members))
        for members in groups.values()
        for collection in [next((collections[i] for i, _ in members if i in collections), None)]
        if collection is not None
    ]
    particles = [(only, (c, places)) for kind, only, c, places in described if kind == "particles"]
    parts = [part for only, part in particles if not only][:1]
    parts = parts or [part for only, part in particles if only in SUBSETS]
    missing = ["an input of particles"] if not parts else sorted({m for _, places in parts for m in _missing(places)})
    if missing:
        raise UserError(
            f"the teacher takes no {' and no '.join(missing)} that is known here; --mode inspect says what its inputs "
            "are taken for, and a view of features:NAMES is of what there is"
        )
    vertices = next((c for kind, _, c, _ in described if kind == "vertices"), None)
    jet = {name: place for kind, _, _, places in described if kind == "jet" for name, place in places.items()}
    return CollectionsDecoder(tuple(parts), vertices, jet), _known(parts, vertices, jet)


def _places(members: Sequence[tuple[int, ResolvedInput]]) -> dict[VariableDefinition, Place]:
    """Find where the variables of a collection are, each by its first place."""
    places: dict[VariableDefinition, Place] = {}
    for i, role in members:
        if not role.group.is_mask:
            for row, (variable, definition) in enumerate(zip(role.group.variables, role.definitions, strict=True)):
                if definition is not None and variable.norm_factor:
                    places.setdefault(definition, Place(i, row, variable.median, variable.norm_factor))
    return places


def _missing(places: Places) -> list[str]:
    """Name what is lacking of momenta and angles."""
    if all(name in places for name in CARTESIAN):
        return []
    wanted = {"pT of particles": MOMENTA, "eta of particles": ETA, "phi of particles": PHI}
    return [words for words, ways in wanted.items() if not any(name in places for name in ways)]


def _known(
    parts: Sequence[tuple[ObjectCollection, Places]], vertices: ObjectCollection | None, jet: Places
) -> frozenset[str]:
    """Return which further fields all collections of particles, or the jet, can tell."""
    known = {
        "charge": all(TRACK_VARIABLES["charge"] in places for _, places in parts),
        "significance": all(_has_significance(places) for _, places in parts),
        "abs_eta": all(any(name in places for name in SIDES) for _, places in parts)
        or any(JET_VARIABLES[name] in jet for name in ("abseta", "eta")),
        "vertices": vertices is not None,
    }
    return frozenset(name for name, is_known in known.items() if is_known)


def _has_significance(places: Places) -> bool:
    pairs = any(value in places and error in places for value, error, _ in PAIRS)
    return pairs or any(name in places for name in SIGNIFICANCES)
