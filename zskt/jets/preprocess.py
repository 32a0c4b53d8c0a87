"""``preprocess.json``: how CMS describes the inputs and outputs of a tagger, read and written in its own layout.

    x -> clip((x - median) * norm_factor, lower_bound, upper_bound),   infinities replaced before, padded behind

Every input of the network is a list of variables of one collection (particles, secondary vertices, lost tracks...), cut
or padded to between `min_length` and `max_length` entries.

Shapes: B jets, C variables, P entries.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zskt.errors import UserError
from zskt.jets.definitions import FileDefinition
from zskt.jets.input_names import collection_of, with_shared_masks
from zskt.jets.output_names import UNNAMED_OUTPUTS, block_of

UNBOUNDED = 1e32
"""What CMS writes for a bound that is none."""

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


@dataclass(frozen=True)
class InputGroup:
    """One input of the network."""

    name: str
    variables: tuple[Variable, ...]
    min_length: int = 1
    max_length: int = 1
    flat: bool = False
    """Whether the network takes (B, C) instead of (B, C, 1): numbers of the jet itself."""
    entries: str = ""
    """Name of its entries, where its own name does not say which other inputs have the same."""
    layout: str = ""
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
        return named_so or all(name.endswith("mask") for name in self.names)

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


def _number(info: Mapping[str, Any], key: str, default: float, where: str) -> float:
    value = default if info.get(key) is None else info[key]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and math.isinf(value) and key.endswith("_bound"):  # weaver writes what its YAML has
        return math.copysign(UNBOUNDED, value)
    if not number or not math.isfinite(value):
        raise UserError(f"{where}: {key} is {value!r}, not a number; give the file as its publisher wrote it")
    return float(value)


def _group(name: str, entry: Any, path: Path) -> InputGroup:
    where = f"{path}: input {name}"
    names = entry.get("var_names") if isinstance(entry, dict) else None
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise UserError(f"{where} has no list var_names; give the preprocess.json that belongs to the network")
    infos = entry.get("var_infos") or {}
    if not isinstance(infos, dict) or not all(isinstance(info, dict) for info in infos.values()):
        raise UserError(f"{where}: var_infos is no table of variables; give the file as its publisher wrote it")
    default = Variable("")
    variables = []
    for variable in names:
        info = infos.get(variable, {})
        keys = [key for key in vars(default) if key != "name"]
        numbers = {k: _number(info, k, getattr(default, k), f"{where}, {variable}") for k in keys}
        if numbers["lower_bound"] > numbers["upper_bound"]:
            raise UserError(f"{where}, {variable}: lower_bound is above upper_bound; mend one of the two")
        variables.append(Variable(str(variable), **numbers))
    length = _number(entry, "var_length", 1, where)  # of older files: one length for all jets
    shortest, longest = (max(1, int(_number(entry, key, length, where))) for key in ("min_length", "max_length"))
    if not 1 <= shortest <= longest:
        raise UserError(
            f"{where}: lengths from {shortest} to {longest}; they must be positive, and the first the smaller"
        )
    return InputGroup(name, tuple(variables), shortest, longest)


def read_preprocess(path: Path) -> Preprocess:
    """Read a ``preprocess.json``.

    Raises:
        UserError: if it is missing, no JSON, or not of this layout; the message names the first thing that is wrong.
    """
    if not path.is_file():
        raise UserError(f"--preprocess {path}: no such file; give the preprocess.json that belongs to the network")
    try:
        content = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path}: not a readable JSON file ({error}); fetch it again") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds no JSON object; give the preprocess.json that belongs to the network")
    inputs = _names(content, "input_names", path)
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
        raise UserError(f"{path}: {key} is no list of names; give the file as its publisher wrote it")
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise UserError(f"{path}: {key} has {twice} twice; give the file as its publisher wrote it")
    return tuple(names)
