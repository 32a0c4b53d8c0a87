"""What a tagger takes and answers, and how a run's folder remembers it: its student is fed alike.

The record is our own: a list of inputs with their lengths, a row of numbers for each variable, and the outputs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup, Preprocess, Variable

RECORD = "inputs.json"
"""Name of the record in a run's folder."""
NUMBERS = tuple(f.name for f in fields(Variable) if f.name != "name")


@dataclass(frozen=True)
class Description:
    """What a tagger takes and answers."""

    preprocess: Preprocess
    """With all outputs, in the teacher's order."""
    classes: tuple[str, ...]
    values: tuple[str, ...]
    """Of the outputs, those that are regressed."""
    parameters: int | None = None
    """Of the teacher, as published."""

    def to_record(self) -> dict[str, Any]:
        """For `from_record`."""
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
    def from_record(cls, found: dict[str, Any], where: Path) -> Description:
        """The inverse of `to_record`.

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
                for entry in found["inputs"]
            )
            values = tuple(found["regressed"])
            classes = tuple(name for name in found["outputs"] if name not in values)
            return cls(Preprocess(groups, tuple(found["outputs"])), classes, values, found["parameters"])
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{where}: is not the record of a run's inputs ({error}); fetch the run again") from error
