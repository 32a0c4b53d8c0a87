"""Records of repeated systems, ``systems/NAME.json``, and the table "published | ours | n" that is made of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

from zskt.markdown import mean_and_deviation, table
from zskt.storage.documents import checked
from zskt.storage.files import read_json

FOLDER = "systems"
"""Folder of the records, beside those of runs."""


@dataclass
class SystemRecord:
    """What was published of a system, and what we measured."""

    title: str
    source: str
    published: dict[str, str]
    """Figure -> as the publication has it; "" where it has none."""
    remark: str = ""
    ours: dict[str, dict[str, float]] = field(default_factory=dict)
    """Seed -> figures."""
    processor_seconds: dict[str, float] = field(default_factory=dict)
    """Seed -> processor time."""

    def to_dict(self) -> dict[str, Any]:
        """Return what ``systems/NAME.json`` holds."""
        return asdict(self)


def read_record(path: Path) -> SystemRecord:
    """Read a record.

    Raises:
        UserError: if it is damaged, or no record.
    """
    return checked(read_json(path), SystemRecord, path)


def read_systems(folder: Path) -> dict[str, SystemRecord]:
    """Read all records of a folder of results, by name, in the order of their names."""
    return {path.stem: read_record(path) for path in sorted((folder / FOLDER).glob("*.json"))}


def system_table(record: SystemRecord) -> str:
    """Return the section of a system: title, source, "published | ours | n", remark."""
    rows = []
    for figure, published in record.published.items():
        values = [figures[figure] for figures in record.ours.values() if figure in figures]
        digits = 1 if values and abs(mean(values)) >= 10 else 3
        rows.append(
            (figure, published or "–", mean_and_deviation(values, digits=digits) if values else "–", str(len(values)))
        )
    seconds = list(record.processor_seconds.values())
    cost = f" A seed takes {mean(seconds):.0f} s of a processor." if seconds else ""
    remark = f"{record.remark}{cost}".strip()
    parts = [f"## {record.title}", f"{record.source}.", table(("figure", "published", "ours", "n"), rows), remark]
    return "\n\n".join(part for part in parts if part)


def systems_tables(folder: Path) -> list[str]:
    """Return the sections of all recorded systems."""
    return [system_table(record) for record in read_systems(folder).values()]
