"""Weaver's YAML: how a network trained with weaver is fed, where no ``preprocess.json`` was made of it.

Layout: hqucms/weaver-core, README, section "Data configuration": each variable is a name, or a list
[name, subtract_by, multiply_by, clip_min, clip_max, pad_value]; without subtract_by it is taken as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from zskt.errors import UserError

from .preprocess import UNBOUNDED, Group, Preprocess, Variable

CLIP = 5.0  # weaver's, where the list does not say


def read_weaver_yaml(path: Path) -> Preprocess:
    """The inputs and labels of a data configuration.

    Raises:
        UserError: if the file is missing, no YAML, or has no inputs, labels or numbers where they belong.
    """
    if not path.is_file():
        raise UserError(f"--preprocess {path}: no such file; give the YAML that the network was trained with")
    try:
        found = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        first = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: not a readable YAML file ({first}); fetch it again") from error
    inputs = found.get("inputs") if isinstance(found, dict) else None
    labelled = found.get("labels") if isinstance(found, dict) else None
    labels = labelled.get("value") if isinstance(labelled, dict) else None
    if not isinstance(inputs, dict) or not inputs or not labels:
        raise UserError(f"{path}: has no inputs or no labels; give weaver's data configuration of the network")
    method = (found.get("preprocess") or {}).get("method", "manual") if isinstance(found, dict) else "manual"
    automatic = str(method).startswith("auto") and not found.get("preprocess", {}).get("params")
    groups = tuple(_group(name, entry, path, automatic) for name, entry in inputs.items())
    return Preprocess(groups, tuple(str(label) for label in labels))


def _group(name: str, entry: Any, path: Path, automatic: bool) -> Group:
    if not isinstance(entry, dict) or not entry.get("vars"):
        raise UserError(f"{path}: input {name} has no vars; give weaver's data configuration of the network")
    if "mask" not in name and any(_left_to_weaver(v, automatic) for v in entry["vars"]):
        raise UserError(
            f"{path}: input {name} leaves medians and factors to weaver (auto); give the .auto.yaml that it wrote"
        )
    try:
        variables = tuple(_variable(v) for v in entry["vars"])
        length = int(entry.get("length") or 1)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}: input {name}: {error}; give weaver's data configuration of the network") from error
    return Group(name, variables, length, length) if length == 1 else Group(name, variables, 1, length)


def _left_to_weaver(entry: Any, automatic: bool) -> bool:
    """Whether weaver works out median and factor of a variable by itself."""
    parts = [entry] if isinstance(entry, str) else list(entry)
    return parts[1] == "auto" if len(parts) > 1 else automatic


def _variable(entry: Any) -> Variable:
    parts: list[Any] = [entry] if isinstance(entry, str) else list(entry)
    parts += [None] * (6 - len(parts))
    name, subtract, multiply, low, high, pad = parts[:6]
    if subtract is None:
        return Variable(str(name), pad=float(pad or 0))
    return Variable(
        str(name),
        float(subtract),
        1.0 if multiply is None else float(multiply),
        0.0,
        max(-CLIP if low is None else float(low), -UNBOUNDED),
        min(CLIP if high is None else float(high), UNBOUNDED),
        float(pad or 0),
    )
