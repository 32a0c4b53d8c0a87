"""The table of smaller students, from recorded runs of mode ``compress``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zskt.experiments.summary import written
from zskt.markdown import NO_VALUE, table
from zskt.results.records import Record, one_record_per_run

HEAD = (
    "smaller by", "parameters", "zeros", "MACs", "bit operations (10⁶)", "LUTs + 55 DSPs, estimate (10³)",
    "iterations of healing", "agreement before", "after", "onnxruntime, batch of 1", "of 128",
)  # fmt: skip
NAMES = ("channels", "rank", "bits", "sparsity")
UNCHANGED: dict[str, float] = {"channels": 1.0, "rank": 1.0, "bits": 32, "sparsity": 0.0}


def compression_table(records: Sequence[Record], speeds: Mapping[str, Any]) -> str:
    """Return the table: a row for the whole student, if it is recorded, and one for each smaller one.

    Args:
        speeds: the ratios of the benchmark ``smaller``: how many times as fast a smaller student is in onnxruntime.
    """
    smaller = [record for record in one_record_per_run(records) if record.result.compression is not None]
    rows = [_row(record, speeds) for record in sorted(smaller, key=_rank)]
    whole = _whole(records, smaller[0]) if smaller else None
    if whole is not None:
        entry, student = _entry(smaller[0]), whole.result.student
        first = ["nothing", written(student.parameters), "0", written(entry["macs_before"])]
        first += [f"{entry['bit_operations_before'] / 1e6:.2f}", *[NO_VALUE] * 3, written(student.agreement)]
        rows.insert(0, [*first, "1", "1"])
        of_int8 = [_speed(speeds, student.name, "int8", batch) for batch in (1, 128)]
        rows.append(["nothing, `model-int8.onnx`", *[NO_VALUE] * (len(HEAD) - 3), *of_int8])
    return table(HEAD, rows)


def _whole(records: Sequence[Record], smaller: Record) -> Record | None:
    """Return the run whose student was made smaller: of the same preset, student and seed, with no changes."""
    result = smaller.result
    return next(
        (
            record
            for record in records
            if (record.result.mode, record.result.preset) == ("zero-shot", result.preset)
            and (record.result.student.name, record.result.seed) == (result.student.name, result.seed)
            and not record.result.changes
        ),
        None,
    )


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


def label_of(way: Mapping[str, float]) -> str:
    """Name what is smaller: "channels 0.5, bits 6"."""
    return ", ".join(f"{name} {way[name]:g}" for name in NAMES if way.get(name, UNCHANGED[name]) != UNCHANGED[name])


def _row(record: Record, speeds: Mapping[str, Any]) -> list[str]:
    entry, student = _entry(record), record.result.student
    label = label_of({name: entry[name] for name in NAMES})
    luts = NO_VALUE if entry["luts"] is None else f"{entry['luts'] / 1e3:.0f}"
    cells = [label, written(entry["parameters"]), written(entry["zeros"]), written(entry["macs"])]
    cells += [f"{entry['bit_operations'] / 1e6:.2f}", luts, str(record.result.length)]
    cells += [written(entry.get("unhealed_agreement")), written(student.agreement)]
    return [*cells, *(_speed(speeds, student.name, label, batch) for batch in (1, 128))]


def _speed(speeds: Mapping[str, Any], student: str, label: str, batch: int) -> str:
    """Return how many times as fast as the whole student one of the labelled kind is."""
    ratio = speeds.get(f"{student}, {batch}: whole / {label}")
    return NO_VALUE if ratio is None else f"{ratio['median']:.2f}"
