"""Views of jets: some of the variables, as a trigger or scouting has them, the leading particles, or observables.

Shapes: B jets, C variables, P entries of a collection, F observables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from zskt.contracts import Batch
from zskt.errors import UserError, lookup
from zskt.jets.decode import Decoder, decoder
from zskt.jets.features import FULL, KIN, KINPID, JetInputs
from zskt.jets.observables import OBSERVABLES, Observable
from zskt.jets.preprocess import InputGroup
from zskt.jets.tagger_inputs import TaggerInputs
from zskt.vectors.inputs import VectorInputs
from zskt.viewed import View, whole_number

FEATURE_SETS = {"kin": KIN.features, "kinpid": KINPID.features, "full": FULL.features}
"""Names of the feature sets of the published networks of JetClass."""


@dataclass(frozen=True)
class Columns:
    """Keep some of the inputs, and some of the variables of each."""

    kept: tuple[tuple[int, tuple[int, ...] | None], ...]
    """Position of an input, and of its variables that stay; None keeps all."""

    def __call__(self, *x: Tensor) -> Batch:
        """Take (B, C, P) or (B, C) each."""
        return tuple(x[i] if rows is None else x[i][:, list(rows)] for i, rows in self.kept)


@dataclass(frozen=True)
class Leading:
    """Keep the first entries of each collection, which come in the teacher's own order."""

    count: int

    def __call__(self, *x: Tensor) -> Batch:
        """Take (B, C, P), or (B, C) of the jet itself."""
        return tuple(t[..., : self.count] if t.dim() > 2 else t for t in x)


def features(inputs: Any, argument: str) -> View:
    """Make ``features:VARIABLES``: variables, inputs or collections of the teacher, with commas; or kin, kinpid.

    Raises:
        UserError: if the teacher has none of a name.
    """
    names = [name for name in argument.split(",") if name]
    if not names:
        raise UserError("say which variables the student sees: features:NAME,NAME; --mode inspect lists them")
    return _of_cloud(inputs, names) if isinstance(inputs, JetInputs) else _of_collections(inputs, names)


def _of_cloud(inputs: JetInputs, names: Sequence[str]) -> View:
    known = {name: (name,) for name in inputs.features} | FEATURE_SETS
    wanted = {feature for name in names for feature in lookup(known, name, "feature", "--mode inspect")}
    lacking = sorted(wanted - set(inputs.features))
    if lacking:
        raise UserError(f"the teacher does not take {', '.join(lacking)}; it takes {', '.join(inputs.features)}")
    rows = tuple(i for i, name in enumerate(inputs.features) if name in wanted)
    kept = tuple(inputs.features[i] for i in rows)
    return View(Columns(((0, None), (1, rows), (2, None))), replace(inputs, features=kept))


def _of_collections(inputs: TaggerInputs, names: Sequence[str]) -> View:
    groups = inputs.preprocess.groups
    values = [group for group in groups if not group.is_mask]
    known: dict[str, set[tuple[str, str]]] = {}
    for group in values:
        for variable in group.names:
            for name in (variable, group.name, group.collection):
                known.setdefault(name, set()).add((group.name, variable))
    wanted = set().union(*(_of_name(known, name) for name in names))
    entries = {group.collection for group in values if any((group.name, v) in wanted for v in group.names)}
    kept: list[tuple[int, tuple[int, ...] | None]] = []
    left: list[InputGroup] = []
    for i, group in enumerate(groups):
        rows = tuple(j for j, variable in enumerate(group.names) if (group.name, variable) in wanted)
        if group.is_mask:
            rows = tuple(range(len(group.names))) if group.collection in entries else ()
        if rows:
            kept.append((i, None if len(rows) == len(group.names) else rows))
            left.append(replace(group, variables=tuple(group.variables[j] for j in rows)))
    return View(Columns(tuple(kept)), replace(inputs, preprocess=replace(inputs.preprocess, groups=tuple(left))))


def _of_name(known: dict[str, set[tuple[str, str]]], name: str) -> set[tuple[str, str]]:
    """Return the inputs and variables that a name stands for, of a feature set of JetClass too."""
    if name in known or name not in FEATURE_SETS:
        return lookup(known, name, "variable, input or collection", "--mode inspect")
    variables = {variable for found in known.values() for _, variable in found}
    lacking = [variable for variable in FEATURE_SETS[name] if variable not in variables]
    if lacking:
        raise UserError(
            f"the teacher does not take {', '.join(lacking)} of {name}; it takes {', '.join(sorted(variables))}"
        )
    return set().union(*(known[variable] for variable in FEATURE_SETS[name]))


def leading(inputs: Any, argument: str) -> View:
    """Make ``leading:N``: the first N entries of each collection.

    Raises:
        UserError: if N is no number of entries that the teacher takes.
    """
    if isinstance(inputs, JetInputs):
        count = whole_number(argument, inputs.slots, "particles")
        return View(Leading(count), replace(inputs, slots=count))
    groups = inputs.preprocess.groups
    count = whole_number(argument, max(group.max_length for group in groups), "entries")
    shorter = tuple(
        replace(group, min_length=min(group.min_length, count), max_length=min(group.max_length, count))
        for group in groups
    )
    return View(Leading(count), replace(inputs, preprocess=replace(inputs.preprocess, groups=shorter)))


@dataclass(frozen=True)
class Observables:
    """Compute observables of the jets, each in units of its usual spread."""

    decode: Decoder
    names: tuple[str, ...]
    """Keys of `OBSERVABLES`."""

    def __call__(self, *x: Tensor) -> Batch:
        """Take what the teacher is called with, return ((B, F),); in full precision, whatever networks compute in."""
        with torch.autocast(x[0].device.type, enabled=False):
            jets = self.decode(*(t.float() if t.is_floating_point() else t for t in x))
            values = [(entry.value(jets) - entry.centre) / entry.spread for entry in self._entries]
        return (torch.stack(values, 1),)

    @property
    def _entries(self) -> tuple[Observable, ...]:
        return tuple(OBSERVABLES[name] for name in self.names)

    @property
    def axes(self) -> tuple[tuple[str, float, float], ...]:
        """Label, centre and spread of each: value = centre + spread * what the student sees."""
        return tuple((entry.label, entry.centre, entry.spread) for entry in self._entries)


def observables(inputs: Any, argument: str) -> View:
    """Make ``observables:NAMES``: jet observables, with commas; without names all that the teacher's inputs tell.

    Raises:
        UserError: if there is none of a name, or the teacher's inputs do not tell what it is made of.
    """
    decode, known = decoder(inputs)
    possible = [name for name, entry in OBSERVABLES.items() if not entry.needs or entry.needs in known]
    names = [name for name in argument.split(",") if name] or possible
    for name in names:
        if lookup(OBSERVABLES, name, "observable", see="") and name not in possible:
            raise UserError(
                f"{name} needs {OBSERVABLES[name].needs.replace('_', ' ')} of the particles or the jet, which the "
                f"teacher does not take; it takes what gives {', '.join(possible)}"
            )
    names = list(dict.fromkeys(names))
    return View(Observables(decode, tuple(names)), VectorInputs.from_bounds(-math.inf, math.inf, names=names))


VIEWS = {"features": features, "leading": leading, "observables": observables}
"""Views of jets, by name."""
