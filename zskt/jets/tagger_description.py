"""Record a tagger's inputs and outputs in a run's folder, so that its student is fed alike.

The record is in a layout of our own: a list of inputs with their lengths, a row of numbers for each variable, and the
outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup, Preprocess, Variable

RECORD = "inputs.json"
"""File name of the record in a run's folder."""
NUMBERS = tuple(f.name for f in fields(Variable) if f.name != "name")
"""Fields of a variable that are numbers."""


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

    def to_record(self) -> dict[str, Any]:
        """Return the record that `from_record` reads."""
        inputs = [
            {
                "name": group.name,
                "lengths": [group.min_length, group.max_length],
                "flat": group.flat,
                "variables": {v.name: [getattr(v, number) for number in NUMBERS] for v in group.variables},
            }
            for group in self.preprocess.groups
        ]
        return {
            "numbers": list(NUMBERS),
            "inputs": inputs,
            "outputs": list(self.preprocess.outputs),
            "regressed": list(self.values),
            "parameters": self.parameters,
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
            groups = tuple(
                InputGroup(
                    entry["name"],
                    tuple(Variable(name, *numbers) for name, numbers in entry["variables"].items()),
                    entry["lengths"][0],
                    entry["lengths"][1],
                    entry["flat"],
                )
                for entry in record["inputs"]
            )
            values = tuple(record["regressed"])
            classes = tuple(name for name in record["outputs"] if name not in values)
            return cls(Preprocess(groups, tuple(record["outputs"])), classes, values, record["parameters"])
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{where}: is not the record of a run's inputs ({error}); fetch the run again") from error
