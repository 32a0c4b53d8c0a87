"""``metrics.csv``: a row an iteration, whatever metrics come later, whatever cut it short."""

from __future__ import annotations

import csv
from pathlib import Path

from zskt.experiments.loggers.csv_file import CsvFile


def rows(folder: Path) -> list[list[str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.reader(file))


def test_a_metric_that_comes_later_is_a_column_of_all_rows(tmp_path: Path) -> None:
    table = CsvFile(tmp_path, None)
    table.scalars(1, {"loss": 0.25})
    table.scalars(2, {"loss": 0.5, "a, b": 3.0})
    table.scalars(3, {"a, b": 4.0})
    table.finish({"student": {"agreement": 0.75}}, 3)
    assert rows(tmp_path) == [
        ["step", "loss", "a, b", "final/student agreement"],
        ["1", "0.25", "", ""],
        ["2", "0.5", "3.0", ""],
        ["3", "", "4.0", "0.75"],
    ]


def test_a_resumed_run_forgets_later_rows_and_one_that_was_cut_short(tmp_path: Path) -> None:
    before = CsvFile(tmp_path, None)
    for step in (1, 2, 3):
        before.scalars(step, {"loss": 0.25 * step, "kl": 1.0})
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write("4,0.")
    CsvFile(tmp_path, 2).scalars(3, {"loss": 9.0})
    assert rows(tmp_path) == [["step", "loss", "kl"], ["1", "0.25", "1.0"], ["2", "0.5", "1.0"], ["3", "9.0", ""]]


def test_a_run_that_is_resumed_at_its_beginning_has_nothing_to_forget(tmp_path: Path) -> None:
    CsvFile(tmp_path, 0).scalars(1, {"loss": 1.0})
    assert rows(tmp_path) == [["step", "loss"], ["1", "1.0"]]
