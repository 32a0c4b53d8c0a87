"""Record a tagger's inputs and outputs in a run's folder, so that its student is fed alike.

The record is in a layout of our own: a list of inputs with their lengths, a name and numbers for each variable, the
outputs, variables that the file defined, and the jets that the tagger was taken to be for. Earlier records have a
table of variables by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from zskt.contracts import HeadKind
from zskt.errors import UserError
from zskt.gaussian import GaussianHead, WidthForm
from zskt.jets.class_names import BACKGROUND_CLASSES
from zskt.jets.definitions import FileDefinition
from zskt.jets.input_names import collection_of
from zskt.jets.jets import JetSelection
from zskt.jets.preprocess import MAX_INPUTS, InputGroup, Preprocess, Variable
from zskt.storage.documents import checked

RECORD = "inputs.json"
"""File name of the record in a run's folder."""
REMEDY = "fetch the run again"
NUMBERS = tuple(f.name for f in fields(Variable) if f.name != "name")
"""Fields of a variable that are numbers."""

EARLIER_SUFFIXES = ("points", "features", "vectors", "mask", "pts", "fts", "p4")
"""Last words of inputs that shared entries when records had tables: students of such runs are built as then."""


def left_of(score: str) -> str:
    """Name the class that is left where a tagger has one score: "background", or "signal" of a background's score."""
    return "signal" if any(pattern.search(score) for pattern in BACKGROUND_CLASSES) else "background"


@dataclass(frozen=True)
class Description:
    """Inputs and outputs of a tagger.

    One score is two classes, its own and what is left, of which the file names the first.
    """

    preprocess: Preprocess
    """Its inputs, and all outputs in the teacher's order."""
    classes: tuple[str, ...]
    """Names of its classes: outputs, and what is left of one score."""
    values: tuple[str, ...]
    """Outputs that are regressed values."""
    parameters: int | None = None
    """Number of the teacher's parameters, as published."""
    kind: HeadKind = HeadKind.CLASSES
    """What the classes are."""
    gaussians: tuple[GaussianHead, ...] = ()
    """Which of the values are mean and width of one; positions among the values."""
    selection: JetSelection | None = None
    """Jets that the tagger is for, where a card does not say; None in earlier records."""
    selection_reason: str = ""
    """What the selection was told by."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of classes and values in the order of the file; what is left of one score follows the score."""
        names: list[str] = []
        for name in self.preprocess.outputs:
            names += self.classes if self.kind == HeadKind.SCORE and name == self.classes[0] else (name,)
        return tuple(names)

    @property
    def label_of_others(self) -> int | None:
        """Label of a jet whose true class is none of the tagger's: see `zskt.jets.read.read_for_tagger`."""
        return {HeadKind.SCORE: 1, HeadKind.LABELS: len(self.classes), HeadKind.CLASSES: None}[self.kind]

    def in_words(self) -> str:
        """Say what the outputs are taken for, a line each."""
        lines = []
        names = ", ".join(self.classes)
        if self.classes:
            what = {
                HeadKind.CLASSES: f"one choice of {len(self.classes)} classes: {names}",
                HeadKind.SCORE: f"one score, as two classes: {names}",
                HeadKind.LABELS: f"{len(self.classes)} independent labels, a probability each: {names}",
            }
            lines.append(what[self.kind])
        paired = {i for head in self.gaussians for i in (head.mean, head.width)}
        for head in self.gaussians:
            form = head.form.replace("_", " of its ") if "_" in head.form else head.form
            lines.append(f"a value and its width: {self.values[head.mean]}, {self.values[head.width]} ({form})")
        plain = [name for i, name in enumerate(self.values) if i not in paired]
        if plain:
            lines.append(f"values: {', '.join(plain)}")
        return "\n".join(f"outputs: {line}" for line in lines)

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
            "classes": list(self.classes),
            "head": self.kind.value,
            "gaussians": [[head.mean, head.width, head.form.value] for head in self.gaussians],
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
        read = checked({**record, "inputs": _groups(record, where)}, _Record, where, REMEDY)
        classes, values = read.classes, tuple(read.regressed)
        if classes is None:  # earlier versions know classes of one choice, and values without widths
            classes = [name for name in read.outputs if name not in values]
        gaussians = tuple(GaussianHead(*head) for head in read.gaussians)
        if not all(0 <= i < len(values) for head in gaussians for i in (head.mean, head.width)):
            raise UserError(f"{where}: gaussians are of values that are not there; {REMEDY}")
        if not classes and not values:
            raise UserError(f"{where}: has neither classes nor values; {REMEDY}")
        return cls(
            Preprocess(tuple(read.inputs), tuple(read.outputs), tuple(read.definitions)),
            tuple(classes),
            values,
            read.parameters,
            read.head,
            gaussians,
            read.selection,
            read.selection_reason,
        )


class _Record(msgspec.Struct):
    """A record, its inputs as `_groups` returned them."""

    inputs: Annotated[list[InputGroup], Meta(max_length=MAX_INPUTS)]
    outputs: list[str]
    regressed: list[str]
    parameters: int | None = None
    classes: list[str] | None = None
    head: HeadKind = HeadKind.CLASSES
    gaussians: list[tuple[int, int, WidthForm]] = []
    definitions: list[FileDefinition] = []
    selection: JetSelection | None = None
    selection_reason: str = ""


def _groups(record: Mapping[str, Any], where: Path) -> list[dict[str, Any]]:
    """Return the inputs of a record of any version by the fields of `InputGroup`."""
    try:
        return [_group(entry) for entry in record["inputs"]]
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise UserError(f"{where}: is not the record of a run's inputs ({error}); {REMEDY}") from error


def _group(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an input of a record by the fields of `InputGroup`."""
    rows, entries = entry["variables"], entry.get("entries", "")
    if isinstance(rows, Mapping):  # earlier records
        rows = [[name, *numbers] for name, numbers in rows.items()]
        first, _, last = entry["name"].rsplit("__", 1)[0].rpartition("_")
        before = first if first and last.lower() in EARLIER_SUFFIXES else entry["name"]
        entries = "" if before == (collection_of(entry["name"].rsplit("__", 1)[0]) or entry["name"]) else before
    low, high = entry["lengths"]
    return {
        "name": entry["name"],
        "variables": [dict(zip(("name", *NUMBERS), row, strict=False)) for row in rows],
        "min_length": low,
        "max_length": high,
        "flat": entry["flat"],
        "entries": entries,
        "layout": entry.get("layout", ""),
    }
