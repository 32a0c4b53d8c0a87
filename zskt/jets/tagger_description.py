"""Record a tagger's inputs and outputs in a run's folder, so that its student is fed alike.

The record is in a layout of our own: a list of inputs with their lengths, a name and numbers for each variable, the
outputs, variables that the file defined, and the jets that the tagger was taken to be for. Earlier records have a
table of variables by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from zskt.errors import UserError
from zskt.jets.definitions import FileDefinition
from zskt.jets.input_names import collection_of
from zskt.jets.jets import JetSelection
from zskt.jets.preprocess import InputGroup, Preprocess, Variable

RECORD = "inputs.json"
"""File name of the record in a run's folder."""
NUMBERS = tuple(f.name for f in fields(Variable) if f.name != "name")
"""Fields of a variable that are numbers."""

EARLIER_SUFFIXES = ("points", "features", "vectors", "mask", "pts", "fts", "p4")
"""Last words of inputs that shared entries when records had tables: students of such runs are built as then."""


@dataclass(frozen=True)
class Description:
    """Inputs and outputs of a tagger."""

    preprocess: Preprocess
    """Its inputs, and all outputs in the teacher's order."""
    classes: tuple[str, ...]
    """Outputs that are classes."""
    values: tuple[str, ...]
    """Outputs that are regressed values."""
    parameters: int | None = None
    """Number of the teacher's parameters, as published."""
    selection: JetSelection | None = None
    """Jets that the tagger is for, where a card does not say; None in earlier records."""
    selection_reason: str = ""
    """What the selection was told by."""

    def to_record(self) -> dict[str, Any]:
        """Return the record that `from_record` reads."""
        inputs = [
            {
                "name": group.name,
                "lengths": [group.min_length, group.max_length],
                "flat": group.flat,
                "entries": group.entries,
                "layout": group.layout,
                "variables": [[v.name, *(getattr(v, number) for number in NUMBERS)] for v in group.variables],
            }
            for group in self.preprocess.groups
        ]
        return {
            "numbers": list(NUMBERS),
            "inputs": inputs,
            "outputs": list(self.preprocess.outputs),
            "regressed": list(self.values),
            "parameters": self.parameters,
            "definitions": [list(entry) for entry in self.preprocess.definitions],
            "selection": None if self.selection is None else asdict(self.selection),
            "selection_reason": self.selection_reason,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any], where: Path) -> Description:
        """Read what `to_record` returned.

        Args:
            record: the record.
            where: its file, for messages.

        Raises:
            UserError: if it is not such a record.
        """
        try:
            groups = tuple(_group(entry) for entry in record["inputs"])
            values = tuple(record["regressed"])
            classes = tuple(name for name in record["outputs"] if name not in values)
            definitions = tuple(FileDefinition(*entry) for entry in record.get("definitions", ()))
            preprocess = Preprocess(groups, tuple(record["outputs"]), definitions)
            selection = record.get("selection")
            selection = None if selection is None else JetSelection(**selection)
            reason = record.get("selection_reason", "")
            return cls(preprocess, classes, values, record["parameters"], selection, reason)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise UserError(f"{where}: is not the record of a run's inputs ({error}); fetch the run again") from error


def _group(entry: Mapping[str, Any]) -> InputGroup:
    """Read an input of a record."""
    rows, entries = entry["variables"], entry.get("entries", "")
    if isinstance(rows, Mapping):  # earlier records
        rows = [[name, *numbers] for name, numbers in rows.items()]
        first, _, last = entry["name"].rsplit("__", 1)[0].rpartition("_")
        before = first if first and last.lower() in EARLIER_SUFFIXES else entry["name"]
        entries = "" if before == (collection_of(entry["name"].rsplit("__", 1)[0]) or entry["name"]) else before
    variables = tuple(Variable(*row) for row in rows)
    low, high = entry["lengths"]
    return InputGroup(entry["name"], variables, low, high, entry["flat"], entries, entry.get("layout", ""))
