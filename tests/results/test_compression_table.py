"""The table of smaller students."""

from __future__ import annotations

from pathlib import Path

from zskt.experiments.result import NetworkScores, Result, ScoredSamples
from zskt.results.compression_table import compression_table, label_of
from zskt.results.records import Record

COUNTS = {
    "parameters_before": 2904, "parameters": 842, "zeros": 0, "macs_before": 21312, "macs": 6304,
    "bit_operations_before": 23_286_158, "bit_operations": 6_881_831, "luts": None, "unhealed_agreement": 0.1,
}  # fmt: skip


def record(name: str, agreement: float, seed: int = 0, student: str = "deepsets", **way: float) -> Record:
    compression = {"channels": 1.0, "rank": 1.0, "bits": 32, "sparsity": 0.0, **COUNTS, **way} if way else None
    result = Result(
        preset="jets-embedded", mode="compress" if way else "zero-shot", method="zskt", seed=seed, iterations=25,
        data=ScoredSamples(name="sample.root", sha256=None, count=10, unit="jet"), changes=dict(way),
        teacher=NetworkScores(name="teacher"), compression=compression,
        student=NetworkScores(name=student, parameters=2904, agreement=agreement),
    )  # fmt: skip
    return Record(folder=Path(name), result=result)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_of_the_whole_student_and_one_of_each_smaller_one_in_order() -> None:
    records = [
        record("a", 0.3, sparsity=0.8),
        record("b", 0.2, channels=0.5, bits=6, luts=31_544),
        record("c", 0.4, channels=0.25),
        record("d", 0.5, channels=0.5),
        record("e", 0.6),
    ]
    speeds = {"deepsets, 128: whole / channels 0.5": {"median": 1.767}}
    rows = [cells(line) for line in compression_table(records, speeds).splitlines()[2:]]
    names = ["nothing", "channels 0.5", "channels 0.25", "sparsity 0.8", "channels 0.5, bits 6"]
    assert [row[0] for row in rows] == [*names, "nothing, `model-int8.onnx`"]
    assert rows[0] == ["nothing", "2 904", "0", "21 312", "23.29", "–", "–", "–", "0.6000", "1", "1", "1"]
    assert rows[1] == ["channels 0.5", "842", "0", "6 304", "6.88", "–", "25", "0.1000", "0.5000", "1", "–", "1.77"]
    assert rows[4][5] == "32"


def test_seeds_share_a_row_and_students_have_tables_of_their_own() -> None:
    records = [record(f"w{i}", 0.6 + 0.02 * i, seed=i) for i in range(3)]
    records += [record(f"s{i}", 0.4 + 0.1 * i, seed=i, bits=6, zeros=200 + 3 * i, luts=30_000 + i) for i in range(2)]
    rows = [cells(line) for line in compression_table(records, {}).splitlines()[2:]]
    assert rows[0][8:10] == ["0.6200 ± 0.0200", "3"]
    assert rows[1][2] == "202" and rows[1][5] == "30"
    assert rows[1][7:10] == ["0.1000 ± 0.0000", "0.4500 ± 0.0707", "2"]
    both = compression_table([*records, record("p", 0.7, student="pfn", channels=0.5)], {})
    assert "**jets-embedded**, student deepsets" in both and "**jets-embedded**, student pfn" in both
    assert [line.split("|")[1].strip() for line in both.splitlines() if line.startswith("| ")].count("smaller by") == 2


def test_labels_name_what_is_smaller() -> None:
    assert label_of({"channels": 0.5, "rank": 1.0, "bits": 6, "sparsity": 0.0}) == "channels 0.5, bits 6"
    assert label_of({"sparsity": 0.8}) == "sparsity 0.8"
