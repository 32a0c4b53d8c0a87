"""Records are the same, read from whole runs and from an index."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zskt.errors import UserError
from zskt.experiments.recipe import recipe_of_result
from zskt.results.records import INDEX, IndexEntry, one_record_per_run, read_records
from zskt.results.told_apart import runs_of
from zskt.storage.files import write_json

from .conftest import record, result

OTHER = {
    "data": {"name": "other.root", "sha256": "cd", "jets": 9},
    "teacher": {"name": "t", "accuracy": None, "auc": None},
    "student": {"name": "s", "accuracy": None, "auc": None, "agreement": 0.25, "kl": 2.0},
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with a result, an evaluation, transition curves and metrics."""
    place = tmp_path / "runs" / "a"
    place.mkdir(parents=True)
    write_json(place / "result.json", result().to_dict())
    write_json(place / "evaluate-other.json", result().to_dict() | OTHER)
    curves = {"run": "a", "images": 5, "data": {"name": "jets.root", "sha256": "ab", "jets": 5}}
    write_json(place / "transition-jets.json", curves | {"on_student": {"mte": 0.5}})
    (place / "metrics.jsonl").write_text('{"step": 1, "kl/pseudo": 2.0}\n{"step": 2}\n{"step": 3, "kl/pseudo": 1.0}\n')
    return place


def test_a_run_has_a_record_for_each_set_of_test_samples(run: Path) -> None:
    own, other = read_records(run.parent)
    assert own.result == result()
    assert other.result.data is not None and (other.result.data.count, other.result.data.unit) == (9, "jet")
    assert other.result.student.agreement == 0.25 and other.result.steps == 70
    assert own.curve("kl/pseudo") == [(1, 2.0), (3, 1.0)] and own.curve("nothing") == []
    transition = own.transition()
    assert transition is not None and transition["on_student"]["mte"] == 0.5 and transition["count"] == 5
    assert other.transition() is None  # measured on other samples
    assert [r.folder for r in one_record_per_run([own, other])] == [run]


def test_a_run_that_is_evaluated_again_on_its_own_samples_is_one_run_still(run: Path) -> None:
    write_json(run / "evaluate-again.json", result().to_dict())
    assert len(read_records(run.parent)) == 2


@pytest.mark.parametrize(("tabulate", "names"), [([], ["jets.root"]), (["other"], ["other.root"])])
def test_an_index_says_which_figures_tables_show(run: Path, tabulate: list[str], names: list[str]) -> None:
    entry = IndexEntry(run="a", result=result().to_dict(), evaluations={"other": OTHER}, tabulate=tabulate)
    (run.parent / INDEX).write_text(entry.to_json() + "\n")
    assert [r.result.data.name for r in read_records(run.parent) if r.result.data is not None] == names


def test_the_first_record_of_each_seed_counts() -> None:
    records = [record(seed=0), record(seed=1), record(seed=0, steps=71), record(seed=2, batch_size=7)]
    records += [record(seed=3, queries=100), record(seed=4, teacher_access="top-class")]  # were not asked the same
    assert [r.result.steps for r in runs_of(records, recipe_of_result(result()))] == [70, 70]


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no run with a result.json below it"):
        read_records(tmp_path)
    (tmp_path / INDEX).write_text(json.dumps({"run": "a", "colour": 1}))
    with pytest.raises(UserError, match=r"line 1 is not an entry of an index"):
        read_records(tmp_path)
