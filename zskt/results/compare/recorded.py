"""Comparisons among the recorded results: which runs belong together, and what they were asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from zskt.errors import UserError
from zskt.results.compare.group import Group, choose_same_data
from zskt.results.compare.page import DATA
from zskt.results.records import Record
from zskt.storage.documents import checked
from zskt.storage.files import read_json, write_json

COMPARISONS = "comparisons.json"
"""File beside the index of recorded runs: name of a comparison -> `RecordedComparison`."""


@dataclass(frozen=True, kw_only=True)
class RecordedComparison:
    """What is recorded of a comparison beside its runs."""

    entrants: Mapping[str, list[str]]
    """Label -> names of runs in the index."""
    budget: Mapping[str, Any] = field(default_factory=dict)
    failures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    command: str = ""

    def groups(self, records: list[Record]) -> list[Group]:
        """Return its runs by entrant, of all that are recorded."""
        by_name: dict[str, list[Record]] = {}
        for record in records:
            by_name.setdefault(record.folder.name, []).append(record)
        runs = {label: [r for name in names for r in by_name.get(name, ())] for label, names in self.entrants.items()}
        return choose_same_data({label: found for label, found in runs.items() if found})


def is_comparison(folder: Path) -> bool:
    """Whether a folder is one that mode ``compare`` left."""
    return (folder / DATA).is_file()


def runs_of_comparison(folder: Path) -> list[Path]:
    """Return the run folders of a comparison.

    Raises:
        UserError: if they lie elsewhere: a page of runs as they were found.
    """
    names = [run["run"] for entrant in read_json(folder / DATA)["entrants"] for run in entrant["runs"]]
    elsewhere = [name for name in names if not (folder / name).is_dir()]
    if elsewhere:
        raise UserError(f"{folder}: its run {elsewhere[0]} is not in it; record the runs themselves")
    return [folder / name for name in names]


def read_comparisons(reference: Path) -> dict[str, RecordedComparison]:
    """Read the comparisons of a folder of recorded runs; empty where there is none."""
    path = reference / COMPARISONS
    kept = read_json(path) if path.is_file() else {}
    return checked(kept, dict[str, RecordedComparison], path)


def uncompared(records: Iterable[Record], comparisons: Mapping[str, RecordedComparison]) -> list[Record]:
    """Return the runs that are in no comparison; those of one are of its budget, and have a page of their own."""
    compared = {name for comparison in comparisons.values() for names in comparison.entrants.values() for name in names}
    return [record for record in records if record.folder.name not in compared]


def add_comparison(folder: Path, reference: Path) -> None:
    """Add a comparison, whose runs are recorded, to those of a folder; one of the same name is renewed."""
    figures = read_json(folder / DATA)
    kept = {name: asdict(comparison) for name, comparison in read_comparisons(reference).items()}
    kept[folder.resolve().name] = asdict(
        RecordedComparison(
            entrants={e["entrant"]: [run["run"] for run in e["runs"]] for e in figures["entrants"]},
            budget=figures["budget"],
            failures=figures["failures"],
            command=figures["command"],
        )
    )
    write_json(reference / COMPARISONS, dict(sorted(kept.items())))
