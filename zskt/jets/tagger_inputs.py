"""Inputs of a tagger from a file: reconstructed jets -> what its ``preprocess.json`` describes.

Shapes: B jets, C variables, P entries of a collection. Units: GeV, cm, radians.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from zskt.contracts import Batch
from zskt.dataset import Labelled
from zskt.errors import UserError
from zskt.jets.collections import Collection, ReconstructedJets
from zskt.jets.features import JetInputs
from zskt.jets.jets import AK4_SELECTION, AK8_SELECTION, Jets, JetSelection
from zskt.jets.object_collections import ObjectCollection, collections_of
from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.jets.tracks import reconstruct
from zskt.jets.variable_names import PARTICLE_SUBSETS, find_variable, kind_of
from zskt.jets.variables import VariableDefinition


@dataclass(frozen=True)
class ResolvedInput:
    """An input of the network, with the objects and the variables that its names stand for."""

    group: InputGroup
    kind: str
    """Kind of its entries: "particles", "vertices", "lost_tracks" or "jet"."""
    only: tuple[str, ...]
    """Columns of which one is not zero for the entries that it holds; empty for all entries."""
    definitions: tuple[VariableDefinition | None, ...]
    """Definitions of its variables; None where there is none."""

    @property
    def unknown(self) -> tuple[int, ...]:
        """Positions of the variables without definition."""
        return () if self.group.is_mask else tuple(i for i, d in enumerate(self.definitions) if d is None)


def resolve_inputs(preprocess: Preprocess) -> tuple[ResolvedInput, ...]:
    """Find the objects and the definitions behind the names of each input; a mask has the kind of what it masks."""
    kinds: dict[str, str] = {}
    for group in preprocess.groups:
        if not group.is_mask:
            kinds.setdefault(group.collection, kind_of(group.names, group.plain_name))
    roles = []
    for group in preprocess.groups:
        kind = kinds.get(group.collection) or kind_of(group.names, group.plain_name)
        words = group.collection.lower().split("_")
        only = next((PARTICLE_SUBSETS[word.rstrip("s")] for word in words if word.rstrip("s") in PARTICLE_SUBSETS), ())
        definitions = tuple(None if group.is_mask else find_variable(name, kind) for name in group.names)
        roles.append(ResolvedInput(group, kind, only if kind == "particles" else (), definitions))
    return tuple(roles)


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
    domain: str = "jets"
    label_of_others: int | None = None
    single_cloud: ClassVar[bool] = False
    """The inputs are what the preprocessing names, in collections of several kinds of objects."""

    @cached_property
    def roles(self) -> tuple[ResolvedInput, ...]:
        """Its inputs, with what their names stand for."""
        return resolve_inputs(self.preprocess)

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
        if collection is None:  # of the jet itself: one entry
            one = torch.ones_like(samples.jet["pt"])
            collection = Collection({}, one.bool())
        width = min(max(collection.mask.shape[1], group.min_length), group.max_length)
        real = _fit(collection.mask.float(), width, 0.0)
        if group.is_mask:
            return real.unsqueeze(1)
        rows = []
        for variable, definition in zip(group.variables, role.definitions, strict=True):
            raw = self._raw(variable.name, definition, collection, samples)
            prepared = _fit(variable(raw), width, variable.pad)
            rows.append(torch.where(real > 0, prepared, torch.full_like(prepared, variable.pad)))
        x = torch.stack(rows, 1)
        return x.squeeze(2) if group.flat else x

    def _raw(
        self, name: str, definition: VariableDefinition | None, collection: Collection, samples: ReconstructedJets
    ) -> Tensor:
        """Compute raw values (B, P); a variable without definition is a column of that name, or its median."""
        if definition is None:
            if name in collection:
                return collection[name]
            median = next(v.median for r in self.roles for v in r.group.variables if v.name == name)
            return torch.full_like(samples.jet["pt"], median).expand(collection.mask.shape)
        missing = [column for column in definition.needs if column not in collection]
        if missing:
            raise UserError(
                f"{name} needs {', '.join(missing)}, which these jets do not have; give a file that holds it"
            )
        return definition.quantity(collection, samples.jet)

    def read(self, file: Path, classes: Sequence[str]) -> Labelled:
        """Read jets of PFNano or of a JetClass file, labelled where one of the classes stands for their label.

        Raises:
            UserError: if the file cannot be read.
        """
        from zskt.jets.read import read_for_tagger  # uproot takes a second to import

        return read_for_tagger(file, classes, self.selection.radius, self.label_of_others)

    def preprocess_form(self, classes: Sequence[str]) -> Preprocess:
        """Return these inputs in CMS's layout, as they came."""
        del classes
        return self.preprocess


MAX_AK4_PARTICLES = 64
"""Taggers that take more particles are for jets of a large radius."""


def default_selection(preprocess: Preprocess) -> JetSelection:
    """Guess the jets that a tagger is for from how many particles it takes."""
    longest = max(g.max_length for g in preprocess.groups)
    return AK8_SELECTION if longest > MAX_AK4_PARTICLES else AK4_SELECTION


def describe(inputs: TaggerInputs) -> str:
    """Say what becomes of each variable in pseudo-jets, a line each, for the start of a run."""
    selection = inputs.selection
    lines = [
        f"pseudo-jets: radius {selection.radius:g}, {selection.pt_low:g} to {selection.pt_high:g} GeV, "
        f"|eta| < {selection.eta_max:g} (--set radius, pt_low, pt_high)"
    ]
    for role in inputs.roles:
        group = role.group
        kind = role.kind.replace("_", " ") + (f" with {' or '.join(role.only)}" if role.only else "")
        lines.append(f"{group.name}: {kind}, {group.min_length} to {group.max_length}")
        if group.is_mask:
            continue
        for name, definition in zip(group.names, role.definitions, strict=True):
            words = "not known: drawn from a learned bounded distribution"
            if definition is not None:
                words = definition.words + (", a whole number" if definition.is_integer else "")
            lines.append(f"  {name:<32} {words}")
    return "\n".join(lines)


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
