"""The table of smaller students, from recorded runs of mode ``compress``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zskt.experiments.summary import written
from zskt.markdown import NO_VALUE, table
from zskt.results.records import Record, one_record_per_run

HEAD = (
    "smaller by", "parameters", "zeros", "MACs", "bit operations (10⁶)", "LUTs + 55 DSPs, estimate (10³)",
    "iterations of healing", "agreement before", "after", "firmware is the student", "onnxruntime, batch of 1",
    "of 128", "int8, batch of 128",
)  # fmt: skip
NAMES = ("channels", "rank", "bits", "sparsity")
UNCHANGED: dict[str, float] = {"channels": 1.0, "rank": 1.0, "bits": 32, "sparsity": 0.0}


def compression_table(records: Iterable[Record], whole: Record | None) -> str:
    """Return the table: a row for the whole student, if it is known, and one for each smaller one.

    Times are how many times as fast the exported file is as the whole student's, on one thread; above 1 is faster.
    """
    smaller = [record for record in one_record_per_run(records) if record.result.compression is not None]
    rows = [_row(record) for record in sorted(smaller, key=_rank)]
    if whole is not None and smaller:
        entry, student = _entry(smaller[0]), whole.result.student
        first = ["nothing", written(student.parameters), "0", written(entry["macs_before"])]
        first += [f"{entry['bit_operations_before'] / 1e6:.2f}", *[NO_VALUE] * 3, written(student.agreement)]
        rows.insert(0, [*first, NO_VALUE, "1", "1", NO_VALUE])
    return table(HEAD, rows)


def _entry(record: Record) -> dict[str, Any]:
    assert record.result.compression is not None
    return record.result.compression


def _rank(record: Record) -> tuple[int, list[float]]:
    """Sort by how many ways a student is smaller, then which, then how much."""
    entry = _entry(record)
    ways = [name for name in NAMES if entry[name] != UNCHANGED[name]]
    way = ways[0]
    amount = entry[way] if way == "sparsity" else -entry[way]
    return len(ways), [NAMES.index(way), amount, record.result.length]


def _row(record: Record) -> list[str]:
    entry, student, export = _entry(record), record.result.student, record.export or {}
    ways = [f"{name} {entry[name]:g}" for name in NAMES if entry[name] != UNCHANGED[name]]
    luts = NO_VALUE if entry["luts"] is None else f"{entry['luts'] / 1e3:.0f}"
    cells = [", ".join(ways), written(entry["parameters"]), written(entry["zeros"]), written(entry["macs"])]
    cells += [f"{entry['bit_operations'] / 1e6:.2f}", luts, str(record.result.length)]
    firmware = (export.get("hls4ml") or {}).get("agreement_with_student")
    cells += [written(entry.get("unhealed_agreement")), written(student.agreement), written(firmware)]
    return [*cells, _ratio(export, "onnx", 1), _ratio(export, "onnx", 128), _ratio(export, "int8", 128)]


def _ratio(export: Any, name: str, batch: int) -> str:
    """Return how many times as fast an exported file is as the whole student's, on one thread."""
    rows = export.get("beside_whole", {}).get(name, [])
    ratios = [row["ratio"] for row in rows if row["threads"] == 1 and row["batch"] == batch]
    return f"{ratios[0]:.2f}" if ratios else NO_VALUE
