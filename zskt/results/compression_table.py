"""The table of smaller students, from recorded runs of mode ``compress``."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from zskt.experiments.summary import written
from zskt.markdown import NO_VALUE, mean_and_deviation, table
from zskt.results.records import Record, one_record_per_run

HEAD = (
    "smaller by", "parameters", "zeros", "MACs", "bit operations (10⁶)", "LUTs + 55 DSPs, estimate (10³)",
    "iterations of healing", "agreement before", "after", "seeds", "onnxruntime, batch of 1", "of 128",
)  # fmt: skip
NAMES = ("channels", "rank", "bits", "sparsity")
UNCHANGED: dict[str, float] = {"channels": 1.0, "rank": 1.0, "bits": 32, "sparsity": 0.0}


def compression_table(records: Sequence[Record], speeds: Mapping[str, Any]) -> str:
    """Return a table for each student: a row for the whole one, if it is recorded, and one for each smaller form.

    Runs that differ by their seed alone share a row, of mean ± standard deviation.

    Args:
        speeds: the ratios of the benchmark ``smaller``: how many times as fast a smaller student is in onnxruntime.
    """
    smaller = [record for record in one_record_per_run(records) if record.result.compression is not None]
    students: dict[tuple[str, str], dict[tuple[Any, ...], list[Record]]] = {}
    for record in sorted(smaller, key=_rank):
        ways = students.setdefault((record.result.preset, record.result.student.name), {})
        ways.setdefault(_rank(record), []).append(record)
    tables = {names: _table([*ways.values()], records, speeds) for names, ways in students.items()}
    if len(tables) == 1:
        return next(iter(tables.values()))
    return "\n\n".join(f"**{preset}**, student {name}\n\n{text}" for (preset, name), text in tables.items())


def _table(ways: Sequence[Sequence[Record]], records: Sequence[Record], speeds: Mapping[str, Any]) -> str:
    rows = [_row(members, speeds) for members in ways]
    first = ways[0][0]
    whole = _whole(records, first)
    if whole:
        entry, student = _entry(first), whole[0].result.student
        cells = ["nothing", written(student.parameters), "0", written(entry["macs_before"])]
        cells += [f"{entry['bit_operations_before'] / 1e6:.2f}", *[NO_VALUE] * 3, _agreement(whole), str(len(whole))]
        rows.insert(0, [*cells, "1", "1"])
        of_int8 = [_speed(speeds, student.name, "int8", batch) for batch in (1, 128)]
        rows.append(["nothing, `model-int8.onnx`", *[NO_VALUE] * (len(HEAD) - 3), *of_int8])
    return table(HEAD, rows)


def _whole(records: Sequence[Record], smaller: Record) -> list[Record]:
    """Return the runs whose students were made smaller: of the same preset and student, with no changes."""
    result = smaller.result
    return [
        record
        for record in one_record_per_run(records)
        if (record.result.mode, record.result.preset) == ("zero-shot", result.preset)
        and record.result.student.name == result.student.name
        and not record.result.changes
    ]


def _agreement(records: Sequence[Record]) -> str:
    values = [record.result.student.agreement for record in records]
    return NO_VALUE if None in values else mean_and_deviation([value for value in values if value is not None])


def _entry(record: Record) -> dict[str, Any]:
    assert record.result.compression is not None
    return record.result.compression


def _rank(record: Record) -> tuple[int, tuple[float, ...]]:
    """Sort by how many ways a student is smaller, then which, then how much."""
    entry = _entry(record)
    ways = [name for name in NAMES if entry[name] != UNCHANGED[name]]
    amounts = (entry[name] if name == "sparsity" else -entry[name] for name in NAMES)
    return len(ways), (NAMES.index(ways[0]), *amounts, record.result.length)


def label_of(way: Mapping[str, float]) -> str:
    """Name what is smaller: "channels 0.5, bits 6"."""
    return ", ".join(f"{name} {way[name]:g}" for name in NAMES if way.get(name, UNCHANGED[name]) != UNCHANGED[name])


def _row(records: Sequence[Record], speeds: Mapping[str, Any]) -> list[str]:
    entries = [_entry(record) for record in records]
    first, student = entries[0], records[0].result.student
    label = label_of({name: first[name] for name in NAMES})

    def known(name: str) -> list[float]:
        """Return a figure of each seed; seeds take different weights away."""
        values = [entry.get(name) for entry in entries]
        return [] if None in values else [float(value) for value in values if value is not None]

    def count(name: str) -> str:
        return written(round(statistics.fmean(known(name))))

    luts, before = known("luts"), known("unhealed_agreement")
    cells = [label, count("parameters"), count("zeros"), count("macs")]
    cells += [f"{statistics.fmean(known('bit_operations')) / 1e6:.2f}"]
    cells += [f"{statistics.fmean(luts) / 1e3:.0f}" if luts else NO_VALUE, str(records[0].result.length)]
    cells += [mean_and_deviation(before) if before else NO_VALUE, _agreement(records), str(len(records))]
    return [*cells, *(_speed(speeds, student.name, label, batch) for batch in (1, 128))]


def _speed(speeds: Mapping[str, Any], student: str, label: str, batch: int) -> str:
    """Return how many times as fast as the whole student one of the labelled kind is."""
    ratio = speeds.get(f"{student}, {batch}: whole / {label}")
    return NO_VALUE if ratio is None else f"{ratio['median']:.2f}"
