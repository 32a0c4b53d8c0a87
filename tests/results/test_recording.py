"""Mode record: small files that say as much."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zskt.errors import UserError
from zskt.results.recording import MAX_POINTS, record_runs, round_floats, thin
from zskt.results.records import INDEX, read_index, read_records
from zskt.storage.files import read_json, write_json

from .conftest import result


def finish(folder: Path, seed: int) -> Path:
    """A finished run of 1000 iterations, evaluated on other jets."""
    run = folder / f"run-seed{seed}"
    run.mkdir(parents=True)
    write_json(run / "result.json", result(seed=seed).to_dict())
    other = {"data": {"name": "other.root", "sha256": "cd", "count": 9, "unit": "jet"}}
    write_json(run / "evaluate-other.json", result(seed=seed, steps=71).to_dict() | other)
    write_json(run / "config.json", {"preset": "p", "seed": seed})
    write_json(run / "environment.json", {"command": f"python train.py --seed {seed}", "python": "3.11"})
    lines = [{"step": i, "kl/pseudo": 1 / i} for i in range(1, 1001)]
    lines[499]["test/agreement"] = 0.5
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (run / "student.safetensors").write_bytes(b"parameters")
    (run / "checkpoint.pt").write_bytes(b"much")
    return run


def test_recorded_runs_give_the_same_records(tmp_path: Path) -> None:
    runs, out = [finish(tmp_path / "runs", seed) for seed in (1, 0)], tmp_path / "records"
    record_runs(runs[:1], out, with_students=True)
    assert record_runs(runs[1:], out) == [out / "run-seed0"]
    assert [entry.run for entry in read_index(out)] == ["run-seed0", "run-seed1"]
    assert [r.result for r in read_records(out)] == [r.result for r in read_records(tmp_path / "runs")]
    assert {path.name for path in (out / "run-seed0").iterdir()} == {"metrics.jsonl"}
    kept = {"metrics.jsonl", "student.safetensors", "config.json", "result.json"}
    assert {path.name for path in (out / "run-seed1").iterdir()} == kept


@pytest.mark.parametrize(
    ("own", "tabulate", "shown"),
    [
        ("jets.root", None, ["jets.root", "other.root"]),
        ("sample.root", None, ["other.root"]),  # few jets, beside which there are more
        ("sample.root", [], ["sample.root"]),
        ("jets.root", ["other"], ["other.root"]),
    ],
)
def test_tables_show_all_figures_but_those_on_the_sample_that_ships(
    tmp_path: Path, own: str, tabulate: list[str] | None, shown: list[str]
) -> None:
    run, out = finish(tmp_path, 0), tmp_path / "records"
    entry = read_json(run / "result.json")
    write_json(run / "result.json", entry | {"data": entry["data"] | {"name": own}})
    record_runs([run], out, tabulate=tabulate)
    assert [r.result.data.name for r in read_records(out) if r.result.data is not None] == shown


def test_an_environment_is_recorded_once(tmp_path: Path) -> None:
    out = tmp_path / "records"
    record_runs([finish(tmp_path / "runs", seed) for seed in (0, 1)], out)
    environments, entries = read_json(out / "environments.json"), read_index(out)
    assert list(environments.values()) == [{"python": "3.11"}]
    assert [environments[str(entry.environment)]["python"] for entry in entries] == ["3.11", "3.11"]
    assert [entry.command for entry in entries] == ["python train.py --seed 0", "python train.py --seed 1"]
    assert entries[1].config == {"preset": "p", "seed": 1}


def test_curves_keep_both_ends_and_evaluations(tmp_path: Path) -> None:
    record_runs([finish(tmp_path / "runs", 0)], tmp_path / "records")
    record, _ = read_records(tmp_path / "records")
    curve = record.curve("kl/pseudo")
    assert MAX_POINTS <= len(curve) <= MAX_POINTS + 2
    assert curve[0] == (1, 1.0) and curve[-1] == (1000, 0.001)
    assert record.curve("test/agreement") == [(500, 0.5)]


def test_short_curves_stay_whole_and_empty_lines_and_shares_of_classes_go() -> None:
    lines = [{"step": 1, "a": 1 / 3, "teacher_class/0": 0.5}, {"step": 2}, {"step": 3, "a": 2.0}]
    assert thin(lines) == [{"step": 1, "a": 0.33333}, {"step": 3, "a": 2.0}]
    assert thin([]) == []


def test_rounding_leaves_integers() -> None:
    assert round_floats({"a": [1234567, 0.123456789], "b": None}) == {"a": [1234567, 0.12346], "b": None}


def test_nothing_is_overwritten_or_half_written(tmp_path: Path) -> None:
    runs, out = [finish(tmp_path / "runs", seed) for seed in (0, 1)], tmp_path / "records"
    record_runs(runs[:1], out)
    before = (out / INDEX).read_text()
    with pytest.raises(UserError, match=r"has a run of this name already"):
        record_runs(runs[::-1], out)
    with pytest.raises(UserError, match=r"has no evaluate-pfnano.json"):
        record_runs(runs[1:], out, tabulate=["pfnano"])
    (runs[1] / "student.safetensors").unlink()
    with pytest.raises(UserError, match=r"has no student.safetensors to keep"):
        record_runs(runs[1:], out, with_students=True)
    (runs[1] / "result.json").unlink()
    with pytest.raises(UserError, match=r"result.json: no such file"):
        record_runs(runs[1:], out)
    assert (out / INDEX).read_text() == before and not (out / "run-seed1").exists()


def test_figures_of_merit_are_not_rounded(tmp_path: Path) -> None:
    run = finish(tmp_path / "runs", 0)
    curves = {"stepped": [0.123456789], "watching": [0.5], "mte": 0.123456789}
    data = {"name": "jets.root", "sha256": "ab", "count": 5, "unit": "jet"}
    write_json(run / "transition-jets.json", {"data": data, "count": 5, "on_student": curves, "on_teacher": curves})
    record_runs([run], tmp_path / "records", tabulate=[])
    (record,) = read_records(tmp_path / "records")
    transition = record.transition()
    assert transition is not None
    assert transition["on_student"] == {"stepped": [0.12346], "watching": [0.5], "mte": 0.123456789}
