"""``preprocess.json``: how CMS describes the inputs and outputs of a tagger, read and written in its own layout.

    x -> clip((x - median) * norm_factor, lower_bound, upper_bound),   infinities replaced before, padded behind

Every input of the network is a list of variables of one collection (particles, secondary vertices, lost tracks...), cut
or padded to between `min_length` and `max_length` entries.

Shapes: B jets, C variables, P entries.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import msgspec
import torch
from msgspec import Meta
from torch import Tensor

from zskt.errors import UserError
from zskt.jets.definitions import FileDefinition
from zskt.jets.input_names import collection_of, names_padding, with_shared_masks
from zskt.jets.output_names import UNNAMED_OUTPUTS, block_of
from zskt.storage.documents import checked, read_document

UNBOUNDED = 1e32
"""What CMS writes for a bound that is none."""
LARGEST = 3e38
"""Numbers of 32 bits are below it."""
MAX_LENGTH, MAX_VARIABLES, MAX_INPUTS = 10_000, 5_000, 200
"""Entries of an input, variables of an entry, and inputs, at most: random samples of more would fill the memory."""

AXES = {"B": "jets", "C": "variables", "P": "entries", "1": "1"}
"""Letters of a layout, and what the axes count."""


def in_words(layout: str) -> str:
    """Return a layout as a shape: "(jets, entries, variables)"."""
    return f"({', '.join(AXES[letter] for letter in layout)}{',' if len(layout) == 1 else ''})"


@dataclass(frozen=True)
class Variable:
    """One variable of an input, and how its raw value is prepared."""

    name: str
    median: float = 0.0
    norm_factor: float = 1.0
    replace_inf_value: float = 0.0
    lower_bound: float = -UNBOUNDED
    upper_bound: float = UNBOUNDED
    pad: float = 0.0
    """Value of padding, after preparation."""

    def __call__(self, raw: Tensor) -> Tensor:
        """Prepare raw values, of any shape, as the network takes them."""
        finite = torch.where(torch.isfinite(raw), raw, torch.full_like(raw, self.replace_inf_value))
        return ((finite - self.median) * self.norm_factor).clamp(self.lower_bound, self.upper_bound)

    @property
    def in_words(self) -> str:
        """How it is prepared: "(x - 1.5) * 0.2, from -5 to 5"; empty where it is left as it is."""
        words = "x" if not self.median else f"x - {self.median:g}" if self.median > 0 else f"x + {-self.median:g}"
        if self.norm_factor != 1:
            words = f"{f'({words})' if self.median else words} * {self.norm_factor:g}"
        bounds = [
            f"{word} {bound:g}"
            for word, bound in (("from", self.lower_bound), ("to", self.upper_bound))
            if abs(bound) < UNBOUNDED
        ]
        return ", ".join([*([words] if words != "x" or bounds else []), *([" ".join(bounds)] if bounds else [])])


@dataclass(frozen=True)
class InputGroup:
    """One input of the network."""

    name: str
    variables: tuple[Variable, ...]
    min_length: Annotated[int, Meta(ge=1, le=MAX_LENGTH)] = 1
    max_length: Annotated[int, Meta(ge=1, le=MAX_LENGTH)] = 1
    flat: bool = False
    """Whether the network takes (B, C) instead of (B, C, 1): numbers of the jet itself."""
    entries: str = ""
    """Name of its entries, where its own name does not say which other inputs have the same."""
    layout: Annotated[str, Meta(pattern="^[BCP1]{0,6}$")] = ""
    """Layout in which the teacher's own input is, as "BPC": see `teachers.layouts`. Empty until it is found out."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its variables."""
        return tuple(v.name for v in self.variables)

    @property
    def axes(self) -> dict[int, str]:
        """Axes that may have any length, and what they count; inputs of the same entries share the name."""
        return {0: "N"} if self.flat else {0: "N", 2: f"n_{self.collection}"}

    @property
    def is_mask(self) -> bool:
        """Whether it says which entries are there."""
        named_so = len(self.variables) == 1 and self.plain_name.lower().endswith("mask")
        return named_so or self.is_one_for_padding or all(name.endswith("mask") for name in self.names)

    @property
    def is_one_for_padding(self) -> bool:
        """Whether it is a mask by whose name 1 means padding, as in PyTorch; the others have 1 for real entries."""
        return len(self.variables) == 1 and any(map(names_padding, (self.plain_name, *self.names)))

    @property
    def plain_name(self) -> str:
        """Its name without the number that some exports put behind: "sv_mask" of "sv_mask__5"."""
        return self.name.rsplit("__", 1)[0]

    @property
    def collection(self) -> str:
        """Name of its entries: "pf" of pf_points, features_pf and pfMask__2; the whole name of others."""
        return self.entries or collection_of(self.plain_name) or self.name


@dataclass(frozen=True)
class Preprocess:
    """All inputs in the order in which the network takes them, and the names of its outputs."""

    groups: tuple[InputGroup, ...]
    outputs: tuple[str, ...]
    definitions: tuple[FileDefinition, ...] = ()
    """Variables as the file defines them; a name that it does not define is what `zskt.jets.variable_names` says."""
    block: str | None = None
    """The output that stands for as many as the network has beyond the others; None once all have names."""

    def group(self, name: str) -> InputGroup:
        """Return the input of that name."""
        return next(group for group in self.groups if group.name == name)

    def without_layouts(self) -> Preprocess:
        """Return the same inputs, of whose layouts in the teacher nothing is known."""
        return replace(self, groups=tuple(replace(group, layout="") for group in self.groups))

    def to_json(self) -> dict[str, Any]:
        """Return the content of a ``preprocess.json`` in CMS's layout.

        A variable that is prepared in two ways has a number behind its second name, which readers here leave out.
        """
        content: dict[str, Any] = {"output_names": list(self.outputs), "input_names": [g.name for g in self.groups]}
        for group in self.groups:
            infos: dict[str, dict[str, Any]] = {}
            names = []
            for variable in group.variables:
                info = {k: x for k, x in vars(variable).items() if k != "name"}
                name, number = variable.name, 2
                while infos.get(name, info) != info:
                    name, number = f"{variable.name}__{number}", number + 1
                infos[name] = info
                names.append(name)
            content[group.name] = {
                "var_names": names,
                "var_infos": infos,
                "min_length": group.min_length,
                "max_length": group.max_length,
            }
        return content


Length = Annotated[float, Meta(ge=0, le=MAX_LENGTH)]
"""Number of entries; a file may write 20.0."""


class _Info(msgspec.Struct):
    """How one variable is prepared, as the file has it: what is missing or null takes the default of `Variable`."""

    median: float | None = None
    norm_factor: float | None = None
    replace_inf_value: float | None = None
    lower_bound: float | None = None
    upper_bound: float | None = None
    pad: float | None = None


class _Entry(msgspec.Struct):
    """One input, as the file has it."""

    var_names: Annotated[list[str], Meta(min_length=1, max_length=MAX_VARIABLES)]
    var_infos: dict[str, _Info] | None = None
    var_length: Length | None = None
    """Of older files: one length for all jets."""
    min_length: Length | None = None
    max_length: Length | None = None


def _variable(name: str, info: _Info, where: str) -> Variable:
    numbers = {key: value for key in _Info.__struct_fields__ if (value := getattr(info, key)) is not None}
    for key, value in numbers.items():
        if math.isinf(value) and key.endswith("_bound"):  # weaver writes what its YAML has
            numbers[key] = math.copysign(UNBOUNDED, value)
        elif not abs(value) < LARGEST:
            raise UserError(f"{where}.{key} is {value}, no number of 32 bits; give the file as its publisher wrote it")
    variable = Variable(name, **numbers)
    if variable.norm_factor == 0:
        raise UserError(
            f"{where}.norm_factor is 0, so that every value is alike; give the file as its publisher wrote it"
        )
    if variable.lower_bound > variable.upper_bound:
        raise UserError(f"{where}: lower_bound is above upper_bound; mend one of the two")
    return variable


def _group(name: str, entry: Any, path: Path) -> InputGroup:
    where = f"{path}: {name}"
    read = checked({name: entry}, dict[str, _Entry], path, "give the file as its publisher wrote it")[name]
    infos = read.var_infos or {}
    _require_all(read.var_names, infos, f"{where}.var_infos")
    for variable_name in infos:
        _require_known(entry["var_infos"][variable_name], f"{where}.var_infos.{variable_name}")
    variables = tuple(_variable(n, infos.get(n, _Info()), f"{where}.var_infos.{n}") for n in read.var_names)
    length = 1 if read.var_length is None else read.var_length
    both = (length if given is None else given for given in (read.min_length, read.max_length))
    shortest, longest = (int(given) for given in both)
    shortest = max(1, shortest)  # a jet without entries is one of padding
    if longest < 1:
        raise UserError(f"{where}: max_length is {longest}; give the number of entries that the network takes at most")
    if shortest > longest:
        raise UserError(f"{where}: lengths from {shortest} to {longest}; the first must be the smaller")
    return InputGroup(name, variables, shortest, longest)


def _require_all(names: Sequence[str], infos: Mapping[str, _Info], where: str) -> None:
    """Raise a `UserError` if some variables have numbers and others have none: a name is misspelt then."""
    missing = [name for name in names if name not in infos] if infos else []
    if missing:
        others = sorted(set(infos) - set(names))
        close = get_close_matches(missing[0], others, n=1, cutoff=0.5)
        hint = f"is it what stands there as {close[0]}?" if close else "give its median, norm_factor and bounds"
        raise UserError(f"{where}: says nothing of {missing[0]}; {hint}")


def _require_known(info: Mapping[str, Any], where: str) -> None:
    """Raise a `UserError` if a variable is prepared in words that nobody here reads, such as ``mean`` and ``std``.

    Beside a factor, other entries are remarks of the publisher.
    """
    unknown = [key for key in info if key not in _Info.__struct_fields__]
    if unknown and "norm_factor" not in info:
        known = ", ".join(_Info.__struct_fields__)
        raise UserError(f"{where}: has {', '.join(unknown)} and no norm_factor; say it by {known}")


def read_preprocess(path: Path) -> Preprocess:
    """Read a ``preprocess.json``.

    Raises:
        UserError: if it is missing, no JSON, or not of this layout; the message names the first thing that is wrong.
    """
    if not path.is_file():
        raise UserError(f"--preprocess {path}: no such file; give the preprocess.json that belongs to the network")
    content = read_document(path, "JSON", "fetch it again")
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds no JSON object; give the preprocess.json that belongs to the network")
    inputs = _names(content, "input_names", path)
    if len(inputs) > MAX_INPUTS:
        raise UserError(f"{path}: input_names has {len(inputs)} names, at most {MAX_INPUTS}")
    missing = [name for name in inputs if name not in content]
    if missing:
        raise UserError(f"{path}: says nothing of the input {missing[0]}; give the file as its publisher wrote it")
    outputs, block = _outputs(content, path)
    groups = [_group(name, content[name], path) for name in inputs]
    return Preprocess(with_shared_masks(groups), outputs, block=block)


def _outputs(content: Mapping[str, Any], path: Path) -> tuple[tuple[str, ...], str | None]:
    """Return the names of the outputs, and the one among them that may stand for several.

    Weaver writes a table where labels are custom or values are regressed: of names and their expressions. Early files
    of CMS have ``flav_names``; CMSSW reads neither, so both may be missing.
    """
    key = next((key for key in ("output_names", "flav_names") if content.get(key) is not None), None)
    if key is None:
        return (UNNAMED_OUTPUTS,), UNNAMED_OUTPUTS
    if isinstance(content[key], dict) and content[key]:
        names = tuple(map(str, content[key]))
        return names, block_of(names)
    return _names(content, key, path), None


def _names(content: Mapping[str, Any], key: str, path: Path) -> tuple[str, ...]:
    names = content.get(key)
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names) or not names:
        what = "empty" if names == [] else "no list of names"
        raise UserError(f"{path}: {key} is {what}; give the file as its publisher wrote it")
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise UserError(f"{path}: {key} has {twice} twice; give the file as its publisher wrote it")
    return tuple(names)
