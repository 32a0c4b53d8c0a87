"""Read weaver's YAML: how a network trained with weaver is fed, where no ``preprocess.json`` was made of it.

Layout: hqucms/weaver-core, README, section "Data configuration": each variable is a name, or a list
[name, subtract_by, multiply_by, clip_min, clip_max, pad_value]; without subtract_by it is taken as it is. What weaver
worked out by itself stands in ``preprocess: params`` of the ``.auto.yaml`` that it wrote, and counts instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from zskt.errors import UserError
from zskt.jets.definitions import FileDefinition
from zskt.jets.input_names import with_shared_masks
from zskt.jets.output_names import UNNAMED_OUTPUTS, block_of
from zskt.jets.preprocess import (
    LARGEST,
    MAX_INPUTS,
    MAX_LENGTH,
    MAX_VARIABLES,
    UNBOUNDED,
    InputGroup,
    Preprocess,
    Variable,
)
from zskt.storage.documents import checked, read_document

DEFAULT_CLIP = 5.0  # weaver's, where the list does not say
GIVE = "give weaver's data configuration of the network"
Word = str | float | bool | None
"""An entry of the list of a variable."""


class _Entry(msgspec.Struct):
    """One input, as the file has it."""

    vars: Annotated[list[str | Annotated[list[Word], Meta(min_length=1)]], Meta(max_length=MAX_VARIABLES)]
    length: Annotated[float, Meta(ge=1, le=MAX_LENGTH)] | None = None


def read_weaver_yaml(path: Path) -> Preprocess:
    """Read the inputs and labels of a data configuration.

    Raises:
        UserError: if the file is missing, no YAML, or has no inputs, labels or numbers where they belong.
    """
    if not path.is_file():
        raise UserError(f"--preprocess {path}: no such file; give the YAML that the network was trained with")
    content = read_document(path, "YAML", "fetch it again")
    inputs = content.get("inputs") if isinstance(content, dict) else None
    if not isinstance(inputs, dict) or not inputs or ("labels" in content and not _label_entry(content)):
        raise UserError(f"{path}: has no inputs or no labels; {GIVE}")
    settings = content.get("preprocess") or {}
    if not isinstance(settings, dict) or not isinstance(settings.get("params") or {}, dict):
        raise UserError(f"{path}: preprocess is no table; {GIVE}")
    params = settings.get("params") or {}
    automatic = str(settings.get("method", "manual")).startswith("auto")
    masked = any("mask" in str(name) for name in inputs)
    if not all(isinstance(name, str) for name in inputs):
        raise UserError(f"{path}: inputs have names that are no text; {GIVE}")
    if len(inputs) > MAX_INPUTS:
        raise UserError(f"{path}: {len(inputs)} inputs, at most {MAX_INPUTS}; {GIVE}")
    groups = [_group(name, entry, path, params, automatic, masked) for name, entry in inputs.items()]
    outputs, block = _outputs(content)
    if not outputs or len(set(outputs)) < len(outputs):
        raise UserError(f"{path}: labels have no name, or one twice; {GIVE}")
    return Preprocess(with_shared_masks(groups), outputs, _definitions(content, path), block)


def _label_entry(content: Mapping[str, Any]) -> Any:
    """Return the value of ``labels``: names of classes, or of type custom a table of names and expressions."""
    labels = content.get("labels")
    value = labels.get("value") if isinstance(labels, dict) else None
    return value if isinstance(value, str | list | dict) else None


def _outputs(content: Mapping[str, Any]) -> tuple[tuple[str, ...], str | None]:
    """Return the names of the outputs, and the one of a custom label, which stands for all classes."""
    value = _label_entry(content)
    if value is None:
        return (UNNAMED_OUTPUTS,), UNNAMED_OUTPUTS
    names = (value,) if isinstance(value, str) else tuple(map(str, value))
    return names, block_of(names) if isinstance(value, dict) else None


def _definitions(content: Mapping[str, Any], path: Path) -> tuple[FileDefinition, ...]:
    """Return ``new_variables``."""
    entries = content.get("new_variables") or {}
    if not isinstance(entries, dict):
        raise UserError(f"{path}: new_variables is no table; {GIVE}")
    return tuple(FileDefinition(str(name), str(expression)) for name, expression in entries.items())


def _group(name: str, entry: Any, path: Path, params: Mapping[str, Any], automatic: bool, masked: bool) -> InputGroup:
    if not isinstance(entry, dict) or not entry.get("vars"):
        raise UserError(f"{path}: input {name} has no vars; {GIVE}")
    read = checked({name: entry}, dict[str, _Entry], f"{path}: inputs", GIVE)[name]
    entries: list[list[Any]] = [[v] if isinstance(v, str) else list(v) for v in read.vars]
    if not all(isinstance(v[0], str) for v in entries):
        raise UserError(f"{path}: inputs: {name}.vars has a variable without a name; {GIVE}")
    if "mask" not in name and any(_is_automatic(v, params, automatic) for v in entries):
        raise UserError(
            f"{path}: input {name} leaves medians and factors to weaver (auto); give the .auto.yaml that it wrote"
        )
    if entry.get("pad_mode") == "wrap" and not masked:
        raise UserError(
            f"{path}: input {name} repeats its entries where there are too few (pad_mode wrap), and no mask tells; "
            "zskt pads with one value: give a network that was trained so"
        )
    try:
        variables = tuple(_from_list(v) if v[0] not in params else _from_params(v[0], params[v[0]]) for v in entries)
        length = int(read.length or 1)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(f"{path}: input {name}: {error}; {GIVE}") from error
    return InputGroup(name, variables, length, length) if length == 1 else InputGroup(name, variables, 1, length)


def _is_automatic(entry: list[Any], params: Mapping[str, Any], automatic: bool) -> bool:
    """Return whether weaver works out median and factor of a variable by itself, and has not yet."""
    if entry[0] in params:
        return isinstance(params[entry[0]], dict) and params[entry[0]].get("center") == "auto"
    return bool(entry[1] == "auto") if len(entry) > 1 else automatic


def _from_list(entry: list[Any]) -> Variable:
    """Make a variable of [name, subtract_by, multiply_by, clip_min, clip_max, pad_value]; the last may be missing."""
    name, subtract, multiply, low, high, pad = (entry + [None] * 6)[:6]
    return _variable(name, subtract, multiply, low, high, pad)


def _from_params(name: str, info: Mapping[str, Any]) -> Variable:
    """Make a variable of an entry of ``params``."""
    return _variable(name, *(info.get(key) for key in ("center", "scale", "min", "max", "pad_value")))


def _variable(name: Any, subtract: Any, multiply: Any, low: Any, high: Any, pad: Any) -> Variable:
    if subtract is None:
        return Variable(str(name), pad=float(pad or 0))
    numbers = [float(default if x is None else x) for x, default in ((subtract, 0), (multiply, 1), (pad, 0))]
    bounds = [float(default if x is None else x) for x, default in ((low, -DEFAULT_CLIP), (high, DEFAULT_CLIP))]
    if not all(abs(x) < LARGEST for x in numbers) or any(map(math.isnan, bounds)) or bounds[0] > bounds[1]:
        raise ValueError(f"{name} has a number that is none")
    return Variable(
        str(name), numbers[0], numbers[1], 0.0, max(bounds[0], -UNBOUNDED), min(bounds[1], UNBOUNDED), numbers[2]
    )
