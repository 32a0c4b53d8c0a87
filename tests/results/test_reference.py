"""The reference runs: small, whole, and open to anyone who wants to check them."""

from __future__ import annotations

from pathlib import Path

import pytest

from zskt.experiments.build import load_student
from zskt.experiments.catalog import Catalog
from zskt.experiments.finished import read_config
from zskt.experiments.result import Result
from zskt.results.records import read_index
from zskt.storage.files import read_json

from .conftest import REFERENCE

ENTRIES = {entry.run: entry for entry in read_index(REFERENCE)}
WITH_STUDENT = [path.parent for path in sorted(REFERENCE.glob("*/student.safetensors"))]


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_records_are_small() -> None:
    assert size(REFERENCE) < 10_000_000
    assert all(size(path) < 200_000 for path in REFERENCE.iterdir() if path.is_dir() and path not in WITH_STUDENT)


def test_every_folder_is_in_the_index_and_every_entry_is_a_result() -> None:
    folders = {path.name for path in REFERENCE.iterdir() if path.is_dir()} - {"benchmarks", "systems"}
    assert folders <= set(ENTRIES)
    environments = read_json(REFERENCE / "environments.json")
    for name, entry in ENTRIES.items():
        assert Result.from_dict(entry.result, name).to_dict() == entry.result
        assert entry.environment in environments and str(entry.command).startswith("python train.py")


@pytest.mark.parametrize("run", WITH_STUDENT, ids=lambda run: run.name)
def test_kept_students_can_be_evaluated(run: Path, catalog: Catalog) -> None:
    config, _ = read_config(run)
    load_student(run, config, catalog.with_run(run))
    assert read_json(run / "result.json") == ENTRIES[run.name].result


def test_every_distilled_teacher_of_the_shelf_has_a_student_without_data(catalog: Catalog) -> None:
    zero_shot = {e.result["teacher"]["name"] for e in ENTRIES.values() if e.result["mode"] == "zero-shot"}
    zero_shot &= set(catalog.teachers)  # a file of a comparison is on no shelf
    kept = {ENTRIES[run.name].result["teacher"]["name"] for run in WITH_STUDENT}
    assert zero_shot <= kept
