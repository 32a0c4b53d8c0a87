"""What runs were asked, and what tells them apart in words, so that none counts as a seed of another recipe.

The device is where a run is calculated, and not what it was asked: runs that differ in it are seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from zskt.experiments.build import member_roles
from zskt.experiments.config import LEARNS_FROM_DATA, recorded_files
from zskt.experiments.recipe import Recipe
from zskt.forward import PRECISIONS
from zskt.markdown import integer
from zskt.methods import METHODS
from zskt.results.records import Record
from zskt.storage.files import read_json
from zskt.storage.run_files import CONFIG

USUAL_PRECISION = PRECISIONS[0]
"""Precision of a run that says none."""
MOST_SETTINGS = 2
"""Changed settings that a label names; of more it says how many there are."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A recipe, and what it was given beside. Runs that were asked the same differ by their seed alone."""

    recipe: Recipe
    queries: int | None = None
    """Budget of teacher queries; None where there was none."""
    data_sha256: str | None = None
    """Hash of what it learned from; None where nobody recorded one, and without data."""
    data: str = field(default="", compare=False)
    """Name of the file or folder of that hash."""
    teachers: tuple[str, ...] | None = None
    """Hashes of the teacher's files, of an ensemble in the order of its members; None where nobody recorded them."""
    access: str | None = None
    """What it saw of a teacher that only answered, of `zskt.teacher_access.ACCESSES`; None where it saw all."""
    precision: str | None = None
    """What its networks computed in, where that is not float32."""

    @property
    def values(self) -> dict[str, Any]:
        """All that two of them can differ in, by name."""
        own = {f.name: getattr(self.recipe, f.name) for f in fields(self.recipe) if f.name != "changes"}
        return own | {
            "queries": self.queries, "data": self.data_sha256, "teachers": self.teachers, "access": self.access,
            "precision": self.precision,
        }  # fmt: skip


def asked_of(record: Record) -> Asked:
    """Return what a finished run was asked, by its result and the files that it recorded."""
    recipe, path = record.recipe, record.folder / CONFIG
    config = read_json(path) if path.is_file() else {}
    files = recorded_files(config, path) if config else {}
    precision = config.get("precision", USUAL_PRECISION)
    data = files.get("data", {}) if recipe.mode in LEARNS_FROM_DATA else {}
    name = Path(data.get("path") or "").name
    teachers = teacher_hashes(files)
    return Asked(
        recipe=recipe,
        queries=record.result.queries,
        data_sha256=data.get("sha256"),
        data=name,
        teachers=teachers,
        access=record.result.teacher_access,
        precision=None if precision == USUAL_PRECISION else precision,
    )


def runs_of(records: Iterable[Record], recipe: Recipe) -> list[Record]:
    """Return the finished runs of a recipe that nothing limited: no budget, no teacher that only answers.

    Of each seed it is the first record.
    """
    of_recipe = [record for record in records if record.recipe == recipe]
    return first_of_each_seed(r for r in of_recipe if r.result.queries is None and r.result.teacher_access is None)


def first_of_each_seed(records: Iterable[Record]) -> list[Record]:
    """Return the first record of each seed: a run that is recorded twice, or judged on two samples, is one."""
    by_seed: dict[int, Record] = {}
    for record in records:
        by_seed.setdefault(record.result.seed, record)
    return list(by_seed.values())


def teacher_hashes(files: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...] | None:
    """Return the hashes of all files of a teacher, from what a run recorded; None where one is not known."""
    hashes = [files[role].get("sha256") for role in ("teacher", *member_roles(files)) if role in files]
    known = tuple(sha256 for sha256 in hashes if sha256 is not None)
    return known if known and len(known) == len(hashes) else None


def named_apart(names: Sequence[str], asked: Sequence[Asked]) -> list[str]:
    """Return a label for each of several recipes, no label twice.

    Args:
        names: where they are the same, what differs among these follows in brackets.
        asked: as many, each another one.
    """
    labels: list[str] = []
    for name, one in zip(names, asked, strict=True):
        alike = [other for other, own in zip(asked, names, strict=True) if own == name]
        words = differences(one, alike, most_settings=MOST_SETTINGS)
        label = f"{name} ({', '.join(words)})" if words else name
        again = 2
        while label in labels:  # values that are written alike
            label = f"{name} ({', '.join([*words, f'no. {again}'])})"
            again += 1
        labels.append(label)
    return labels


def differences(one: Asked, alike: Sequence[Asked], *, most_settings: int | None = None) -> list[str]:
    """Say in what one of several recipes differs from any other, the length first; nothing where it is the only one.

    Args:
        alike: all of them, ``one`` among them.
        most_settings: changed settings that are named; of more, their number is.
    """
    values, others = one.values, [other.values for other in alike]
    differing = {name for name in values if any(other[name] != values[name] for other in others)}
    order = sorted(differing, key=lambda name: name != "length")
    words = [_word(name, values, one, alike) for name in order if values[name] is not None]
    shared = frozenset.intersection(*(other.recipe.changes for other in alike))
    changes = sorted(one.recipe.changes - shared, key=lambda change: (not change[0].startswith("terms."), change[0]))
    settings = [f"{name} = {value}" for name, value in changes]
    if most_settings is not None and len(settings) > most_settings:
        settings[most_settings - 1 :] = [f"{len(settings) - most_settings + 1} other settings"]
    return [word for word in words if word] + settings


def _word(name: str, values: Mapping[str, Any], one: Asked, alike: Sequence[Asked]) -> str:
    """Write one value; empty where it is the usual one."""
    value = values[name]
    if name == "length":
        method = METHODS.get(one.recipe.method)
        return f"{value} {'iterations' if method is None else method.Config.length_name}"
    if name == "data":
        same_name = {other.data_sha256 for other in alike if other.data == one.data}
        return f"data {one.data}" + (f" {value[:8]}" if len(same_name) > 1 else "")
    if name == "teachers":
        return f"teacher {' '.join(sha256[:8] for sha256 in value)}"
    if name == "precision":
        return str(value)
    if name == "access":
        return f"{value} alone"
    if name in ("answers", "queries"):
        return f"{integer(value)} {name}"
    if name == "samples_per_class":
        return f"{integer(value)} samples a class" if value else "all samples"
    if name == "init_from_run":
        return f"from {value}"
    if name in ("kd_fraction", "attention_weight", "batch_size"):
        return f"{name} = {value}"
    return "" if (name, value) == ("mode", "zero-shot") else f"{name} {value}"
