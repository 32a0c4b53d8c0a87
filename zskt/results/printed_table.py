"""One table for the screen, a program or a paper: text, CSV, JSON or LaTeX."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PrintedTable:
    """A table, as people read it and as programs do."""

    head: Sequence[str]
    cells: Sequence[Sequence[str]]
    """Rows, with the digits that people read."""
    words: int
    """Columns from the first on that hold words; the others hold numbers, and are set to the right."""
    rows: Sequence[dict[str, Any]]
    """The same, with all digits and the names of JSON."""
    remarks: Sequence[str] = ()
    """Lines below the table, on the screen alone."""


def as_text(table: PrintedTable) -> str:
    """Return aligned columns."""
    lines = [table.head, *table.cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]

    def aligned(cells: Sequence[str]) -> str:
        columns = enumerate(zip(cells, widths, strict=True))
        return "  ".join(cell.ljust(w) if i < table.words else cell.rjust(w) for i, (cell, w) in columns)

    return "\n".join([*map(aligned, lines), *table.remarks])


def as_csv(table: PrintedTable) -> str:
    """Return CSV with all digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table.rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table.rows)
    return text.getvalue().rstrip("\n")


def as_json(table: PrintedTable) -> str:
    """Return a list of objects."""
    return json.dumps(list(table.rows), indent=2, allow_nan=False)


SPECIAL = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
           "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "±": r"$\pm$"}  # fmt: skip
"""What LaTeX does not take as it is."""


def as_latex(table: PrintedTable) -> str:
    """Return a ``tabular`` with the rules of the package booktabs."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join("".join(SPECIAL.get(c, c) for c in cell) for cell in cells) + r" \\"

    columns = "l" * table.words + "r" * (len(table.head) - table.words)
    body = "\n".join(map(line, table.cells))
    return (
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{line(table.head)}\n\\midrule\n{body}\n\\bottomrule\n"
        "\\end{tabular}"
    )


FORMATS: dict[str, Callable[[PrintedTable], str]] = {
    "text": as_text,
    "csv": as_csv,
    "latex": as_latex,
    "json": as_json,
}
