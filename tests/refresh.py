"""Renew what is made of recorded results: the README's tables, and ``runs/reference/tables``.

    python -m tests.refresh

A table keeps the place where the README has it; one that the README lacks is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from zskt.results.tables import render, write

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "runs" / "reference"


def tables() -> Iterator[tuple[str, str]]:
    """What each begins with, whatever its figures are, and the whole of it."""
    for part in ("\n\n" + render(REFERENCE)).split("\n\n**")[1:]:
        table = f"**{part}".strip()
        head = table.splitlines()[0]
        yield (head.split(" (teacher")[0] if "| samples |" in table else head.split(":")[0] + ":"), table


def refreshed(readme: str) -> str:
    """The README with every table as the recorded results have it.

    Raises:
        SystemExit: naming the tables that have no place in it.
    """
    missing = []
    for begin, table in tables():
        place = re.compile(rf"^{re.escape(begin)}[^\n]*(?:\n\n(?:\|[^\n]*\n?)+)?", re.MULTILINE)
        found = place.search(readme)
        if found is None:
            missing.append(begin)
            continue
        end = "\n" if found[0].endswith("\n") else ""
        readme = readme[: found.start()] + table + end + readme[found.end() :]
    if missing:
        raise SystemExit("README.md has no place for these; put their first lines there: " + "; ".join(missing))
    return readme


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(refreshed(readme.read_text()))
    write(REFERENCE, REFERENCE / "tables")
