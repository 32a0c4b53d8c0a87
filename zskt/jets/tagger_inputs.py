"""Inputs of a tagger from a file: reconstructed jets -> what its ``preprocess.json`` describes.

Shapes: B jets, C variables, P entries of a collection. Units: GeV, cm, radians.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from zskt.contracts import Batch
from zskt.dataset import Labelled
from zskt.errors import UserError, listed
from zskt.jets.collections import Collection, ReconstructedJets
from zskt.jets.definitions import Definitions, Meaning, is_ones, meaning
from zskt.jets.features import JetInputs
from zskt.jets.input_names import REPEAT_NUMBER
from zskt.jets.jets import Jets, JetSelection, JetsOfFile
from zskt.jets.needed_fields import fields_of
from zskt.jets.object_collections import ObjectCollection, collections_of
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.jets.tracks import reconstruct
from zskt.jets.variable_names import PARTICLE_SUBSETS, kind_of
from zskt.jets.variables import KINEMATIC_VARIABLES, VariableDefinition
from zskt.terminal import note

MOST_NAMED = 8
"""Variables that a line names, at most."""


@dataclass(frozen=True)
class ResolvedInput:
    """An input of the network, with the objects and the variables that its names stand for."""

    group: InputGroup
    kind: str
    """Kind of its entries: "particles", "vertices", "lost_tracks" or "jet"."""
    only: tuple[str, ...]
    """Columns of which one is not zero for the entries that it holds; empty for all entries."""
    definitions: tuple[VariableDefinition | None, ...]
    """Definitions of its variables; None where there is none, and for masks that say which entries are there."""
    reasons: tuple[str, ...] = ()
    """Why a variable has no definition, "" where there is no more to say."""
    is_defined: bool = False
    """Whether the tagger's file defines all its variables, which counts more than their names."""

    @property
    def is_plain_mask(self) -> bool:
        """Whether it is one for every entry and zero for padding, or the inverse of that."""
        return self.group.is_mask and not any(self.definitions)

    @property
    def is_one_for_padding(self) -> bool:
        """Whether it is zero for every entry, and one for padding."""
        return self.is_plain_mask and self.group.is_one_for_padding and not self.is_defined

    @property
    def unknown(self) -> tuple[int, ...]:
        """Positions of the variables without definition."""
        return () if self.group.is_mask else tuple(i for i, d in enumerate(self.definitions) if d is None)


def resolve_inputs(preprocess: Preprocess) -> tuple[ResolvedInput, ...]:
    """Find the objects and the definitions behind the names of each input; a mask has the kind of what it masks."""
    kinds: dict[str, str] = {}
    definitions = {entry.name: entry for entry in preprocess.definitions}
    for group in preprocess.groups:
        if not group.is_mask:
            kinds.setdefault(group.collection, kind_of(group.names, group.plain_name))
    values = [group for group in preprocess.groups if not group.is_mask]
    of_jetclass = {g.collection for g in values if all(name.startswith("part_") for name in g.names)}
    roles = []
    for group in preprocess.groups:
        kind = kinds.get(group.collection) or kind_of(group.names, group.plain_name)
        words = group.collection.lower().split("_")
        only = next((PARTICLE_SUBSETS[word.rstrip("s")] for word in words if word.rstrip("s") in PARTICLE_SUBSETS), ())
        if only == PARTICLE_SUBSETS["track"] and group.collection in of_jetclass:  # which has no cut of CMS on tracks
            only = ("charge",)
        found = [_meaning(name, kind, group.is_mask, definitions) for name in group.names]
        found = _with_energy(group, found)
        reasons = tuple(m.reason for m in found)
        only = only if kind == "particles" else ()
        is_defined = all(name in definitions for name in group.names)
        roles.append(ResolvedInput(group, kind, only, tuple(m.definition for m in found), reasons, is_defined))
    return tuple(roles)


def _with_energy(group: InputGroup, found: Sequence[Meaning]) -> list[Meaning]:
    """Take an unknown variable beside the three components of a momentum for the energy."""
    momentum = [KINEMATIC_VARIABLES[name] for name in ("px", "py", "pz")]
    others = [i for i, m in enumerate(found) if m.definition not in momentum]
    if len(found) != 4 or len(others) != 1 or found[others[0]].definition is not None:
        return list(found)
    energy = KINEMATIC_VARIABLES["e"]._replace(words="energy, by its place beside px, py and pz")
    return [Meaning(energy) if i == others[0] and not m.reason else m for i, m in enumerate(found)]


def _meaning(name: str, kind: str, is_mask: bool, definitions: Definitions) -> Meaning:
    """Find what a variable stands for; a mask of ones, which is what most are, has no definition of its own."""
    if is_mask and is_ones(name, kind, definitions):
        return Meaning(None)
    return meaning(name, kind, definitions)


@dataclass(frozen=True, kw_only=True)
class TaggerInputs:
    """The input specification of a tagger from a file.

    Args:
        preprocess: the inputs and outputs of the tagger.
        selection: jets that the tagger is for; wider ones are narrowed to their hardest cone.
        label_of_others: label of jets whose true class is none of the tagger's; None leaves them without.
    """

    preprocess: Preprocess
    selection: JetSelection = field(default_factory=JetSelection)
    selection_reason: str = ""
    """What the selection was told by."""
    domain: str = "jets"
    label_of_others: int | None = None
    single_cloud: ClassVar[bool] = False
    """The inputs are what the preprocessing names, in collections of several kinds of objects."""

    @cached_property
    def roles(self) -> tuple[ResolvedInput, ...]:
        """Its inputs, with what their names stand for."""
        return resolve_inputs(self.preprocess)

    @cached_property
    def _inverted(self) -> frozenset[str]:
        """Collections whose mask is one for padding."""
        return frozenset(role.group.collection for role in self.roles if role.is_one_for_padding)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of all variables but masks, each once."""
        return tuple(dict.fromkeys(n for r in self.roles if not r.group.is_mask for n in r.group.names))

    def collections(self) -> tuple[ObjectCollection, ...]:
        """Return the collections that a student reads: particles, vertices, lost tracks, the jet itself."""
        return collections_of(self.roles)

    def at(self, selection: JetSelection) -> TaggerInputs:
        """Return the same inputs for other jets."""
        return replace(self, selection=selection)

    def __call__(self, samples: Any) -> Batch:
        """Compute the inputs in the network's order, (B, C, P) each, masks as numbers; P is as the longest jet needs.

        Args:
            samples: `Jets`, which are reconstructed first, or `ReconstructedJets`.

        Raises:
            UserError: if the jets lack a column that a variable is made of.
        """
        if isinstance(samples, Jets):
            samples = reconstruct(samples, self.selection.radius, lost=any(r.kind == "lost_tracks" for r in self.roles))
        collections: dict[tuple[str, tuple[str, ...]], Collection] = {}
        for role in self.roles:
            if role.kind != "jet" and (role.kind, role.only) not in collections:
                collections[role.kind, role.only] = _subset(getattr(samples, role.kind), role.only)
        return tuple(self._input(role, collections.get((role.kind, role.only)), samples) for role in self.roles)

    def _input(self, role: ResolvedInput, collection: Collection | None, samples: ReconstructedJets) -> Tensor:
        group = role.group
        if collection is None:
            collection = _of_jet(samples)
        # Batches are joined by zeros, which would be real entries here: such inputs are always as wide as they may be.
        shortest = group.max_length if group.collection in self._inverted else group.min_length
        width = min(max(collection.mask.shape[1], shortest), group.max_length)
        real = _fit(collection.mask.float(), width, 0.0)
        if role.is_plain_mask:
            return (1 - real if role.is_one_for_padding else real).unsqueeze(1)
        rows = []
        for variable, definition in zip(group.variables, role.definitions, strict=True):
            raw = self._raw(variable, definition, collection, samples)
            prepared = _fit(variable(raw), width, variable.pad)
            rows.append(torch.where(real > 0, prepared, torch.full_like(prepared, variable.pad)))
        x = torch.stack(rows, 1)
        return x.squeeze(2) if group.flat else x

    def _raw(
        self, variable: Variable, definition: VariableDefinition | None, collection: Collection, jets: ReconstructedJets
    ) -> Tensor:
        """Compute raw values (B, P); a variable without definition is a column of that name, or its median."""
        name = variable.name
        if definition is None:
            column = self._column(name)
            if column in collection:
                return collection[column]
            return torch.full_like(jets.jet["pt"], variable.median).expand(collection.mask.shape)
        missing = [column for column in definition.needs if column not in collection]
        if missing:
            raise UserError(
                f"{name} needs {', '.join(missing)}, which these jets do not have; give a file that holds it"
            )
        return definition.quantity(collection, jets.jet)

    def _column(self, name: str) -> str:
        """Return the column that a variable without definition is; "" where the tagger's file defines it otherwise."""
        return "" if any(entry.name == name for entry in self.preprocess.definitions) else REPEAT_NUMBER.sub("", name)

    def read(self, file: Path, classes: Sequence[str]) -> Labelled:
        """Read jets of PFNano or of a JetClass file, labelled where one of the classes stands for their label.

        One line on standard error names the variables that the file does not tell.

        Raises:
            UserError: if the file cannot be read.
        """
        from zskt.jets.read import read_for_tagger  # uproot takes a second to import

        undefined = {self._column(role.group.names[i]) for role in self.roles for i in role.unknown}
        data = read_for_tagger(
            file,
            classes,
            self.selection.radius,
            self.needed_fields(),
            label_of_others=self.label_of_others,
            named=undefined - {""},
        )
        lacking = self._lacking(data.samples)
        if lacking:
            note(
                f"zskt: {file}: does not tell {listed(lacking, MOST_NAMED)}, of which the teacher is fed the "
                "median: its figures on this file mean little; give a file that holds them as branches of these names"
            )
        return data

    def _lacking(self, samples: Any) -> tuple[str, ...]:
        """Return the variables of which jets from a file have neither what they are made of nor a column."""
        there: dict[str, Mapping[str, Tensor]] = {kind: {} for kind in ("jet", "particles", "lost_tracks", "vertices")}
        if isinstance(samples, JetsOfFile):
            there |= dict.fromkeys(("particles", "lost_tracks"), samples.named_of_particles)
            there["jet"] = samples.named_of_jet
        elif isinstance(samples, ReconstructedJets):
            there = {kind: getattr(samples, kind).columns for kind in ("particles", "lost_tracks", "vertices")}
            there |= {"jet": samples.jet}
        names = [(role.kind, role.group.names[i]) for role in self.roles for i in role.unknown]
        return tuple(dict.fromkeys(name for kind, name in names if self._column(name) not in there[kind]))

    def needed_fields(self) -> frozenset[str]:
        """Return the fields of `Jets` beside momenta that the tagger looks at."""
        fields: set[str] = set()
        for role in self.roles:
            columns = [column for d in role.definitions if d is not None for column in d.needs]
            fields |= fields_of(role.kind, [*columns, *role.only])
        return frozenset(fields)

    def preprocess_form(self, classes: Sequence[str]) -> Preprocess:
        """Return these inputs in CMS's layout, as they came."""
        del classes
        return self.preprocess


def _of_jet(samples: ReconstructedJets) -> Collection:
    """Return the jet itself as a collection of one entry, with the columns that its file names."""
    one = torch.ones_like(samples.jet["pt"])
    return Collection(samples.jet, one.bool())


def _subset(collection: Collection, only: tuple[str, ...]) -> Collection:
    """Return the entries for which one of the columns ``only`` is not zero."""
    if not only:
        return collection
    keep = torch.stack([collection[name] != 0 for name in only]).any(0)
    return collection.ordered(torch.arange(keep.shape[1], device=keep.device).expand_as(keep), keep)


def _fit(x: Tensor, width: int, pad: float) -> Tensor:
    """Cut or pad (B, P) to (B, width)."""
    return torch.nn.functional.pad(x[:, :width], (0, width - min(width, x.shape[1])), value=pad)


AnyJetInputs = JetInputs | TaggerInputs
"""Input specifications that generators of jets are built for."""
