"""What a tagger from a file is fed: reconstructed jets -> the inputs that its ``preprocess.json`` describes.

Shapes: B jets, C variables, P entries of a collection. Units: GeV, cm, radians.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.jets.collections import Collection, ReconstructedJets
from zskt.jets.features import JetInputs
from zskt.jets.jets import Jets, JetSelection
from zskt.jets.object_collections import ObjectCollection, collections_of
from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.jets.tracks import reconstruct
from zskt.jets.variable_names import SUBSETS, kind_of, meaning
from zskt.jets.variables import VariableDefinition


@dataclass(frozen=True)
class ResolvedInput:
    """An input of the network, understood."""

    group: InputGroup
    kind: str
    """Which objects it is of: "particles", "vertices", "lost_tracks" or "jet"."""
    only: tuple[str, ...]
    """Columns of which one is not zero for the entries that it holds; empty for all entries."""
    meanings: tuple[VariableDefinition | None, ...]
    """Of its variables; None where nobody here knows."""

    @property
    def unknown(self) -> tuple[int, ...]:
        """Positions of the variables that nobody here knows."""
        return () if self.group.is_mask else tuple(i for i, m in enumerate(self.meanings) if m is None)


def resolve_inputs(preprocess: Preprocess) -> tuple[ResolvedInput, ...]:
    """What each input is. Masks take the kind of the inputs that they belong to."""
    kinds: dict[str, str] = {}
    for group in preprocess.groups:
        if not group.is_mask:
            kinds.setdefault(group.collection, kind_of(group.names, group.plain_name))
    roles = []
    for group in preprocess.groups:
        kind = kinds.get(group.collection) or kind_of(group.names, group.plain_name)
        words = group.collection.lower().split("_")
        only = next((SUBSETS[word.rstrip("s")] for word in words if word.rstrip("s") in SUBSETS), ())
        found = tuple(None if group.is_mask else meaning(name, kind) for name in group.names)
        roles.append(ResolvedInput(group, kind, only if kind == "particles" else (), found))
    return tuple(roles)


@dataclass(frozen=True, kw_only=True)
class TaggerInputs:
    """The input specification of a tagger from a file.

    Args:
        selection: which jets it is for; wider ones are narrowed to their hardest cone.
    """

    preprocess: Preprocess
    selection: JetSelection = field(default_factory=JetSelection)
    domain: str = "jets"
    single_cloud: ClassVar[bool] = False
    """The inputs are what the preprocessing names, in collections of several kinds of objects."""

    @cached_property
    def roles(self) -> tuple[ResolvedInput, ...]:
        return resolve_inputs(self.preprocess)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of all variables but masks, each once."""
        return tuple(dict.fromkeys(n for r in self.roles if not r.group.is_mask for n in r.group.names))

    def collections(self) -> tuple[ObjectCollection, ...]:
        """Return the collections that a student reads: particles, vertices, lost tracks, the jet itself."""
        return collections_of(self.roles)

    def at(self, selection: JetSelection) -> TaggerInputs:
        """The same for other jets."""
        return replace(self, selection=selection)

    def __call__(self, samples: Any) -> Batch:
        """The inputs in the network's order, (B, C, P) each, masks as numbers; P as few as the longest jet needs.

        Args:
            samples: `Jets`, which are reconstructed first, or `ReconstructedJets`.

        Raises:
            UserError: if the jets lack a column that a variable is made of.
        """
        if isinstance(samples, Jets):
            samples = reconstruct(samples, self.selection.radius, lost=any(r.kind == "lost_tracks" for r in self.roles))
        chosen: dict[tuple[str, tuple[str, ...]], Collection] = {}
        for role in self.roles:
            if role.kind != "jet" and (role.kind, role.only) not in chosen:
                chosen[role.kind, role.only] = _subset(getattr(samples, role.kind), role.only)
        return tuple(self._input(role, chosen.get((role.kind, role.only)), samples) for role in self.roles)

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
        for variable, known in zip(group.variables, role.meanings, strict=True):
            raw = self._raw(variable.name, known, collection, samples)
            prepared = _fit(variable(raw), width, variable.pad)
            rows.append(torch.where(real > 0, prepared, torch.full_like(prepared, variable.pad)))
        x = torch.stack(rows, 1)
        return x.squeeze(2) if group.flat else x

    def _raw(
        self, name: str, known: VariableDefinition | None, collection: Collection, samples: ReconstructedJets
    ) -> Tensor:
        if known is None:
            if name in collection:
                return collection[name]
            median = next(v.median for r in self.roles for v in r.group.variables if v.name == name)
            return torch.full_like(samples.jet["pt"], median).expand(collection.mask.shape)
        missing = [column for column in known.needs if column not in collection]
        if missing:
            raise UserError(
                f"{name} needs {', '.join(missing)}, which these jets do not have; give a file that holds it"
            )
        return known.quantity(collection, samples.jet)


def describe(inputs: TaggerInputs) -> str:
    """What becomes of each variable in pseudo-jets, for the start of a run."""
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
        for name, known in zip(group.names, role.meanings, strict=True):
            words = "not known: drawn from a learned bounded distribution"
            if known is not None:
                words = known.words + (", a whole number" if known.whole else "")
            lines.append(f"  {name:<32} {words}")
    return "\n".join(lines)


def _subset(collection: Collection, only: tuple[str, ...]) -> Collection:
    if not only:
        return collection
    keep = torch.stack([collection[name] != 0 for name in only]).any(0)
    return collection.ordered(torch.arange(keep.shape[1], device=keep.device).expand_as(keep), keep)


def _fit(x: Tensor, width: int, pad: float) -> Tensor:
    """(B, P) cut or padded to (B, width)."""
    return torch.nn.functional.pad(x[:, :width], (0, width - min(width, x.shape[1])), value=pad)


AnyJetInputs = JetInputs | TaggerInputs
"""What a generator of jets is built for."""
