"""Runs of one entrant: figures over seeds, curves, and which runs can stand side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.results.compare.imagined import leave_run
from tests.results.conftest import result
from zskt.errors import UserError
from zskt.experiments.result import NetworkScores, ScoredSamples
from zskt.results.compare.group import choose_same_data, labels_of, left_out, read_groups, require_one_teacher
from zskt.results.compare.table import head_and_rows
from zskt.results.records import records_of_runs
from zskt.storage.files import read_json, write_json

OTHER = ScoredSamples(name="other.root", sha256="cd", count=9, unit="jet")


def test_curves_are_means_over_seeds_at_equal_evaluations(tmp_path: Path) -> None:
    runs = [leave_run(tmp_path / f"a{seed}", agreement=0.6 + 0.06 * seed, seed=seed) for seed in (0, 1)]
    (group,) = read_groups({"a": runs})
    points = group.curve("agreement", "teacher_queries")
    assert [p.x for p in points] == [100, 200, 300]
    assert points[-1].mean == pytest.approx(0.63) and points[-1].deviation == pytest.approx(0.06 / 2**0.5)
    assert [p.x for p in group.curve("agreement", "training_seconds")] == pytest.approx(
        [40.5 / 60, 80.5 / 60, 120.5 / 60]
    )
    assert group.values("agreement") == pytest.approx([0.6, 0.66]) and group.mean("peak_memory") == 512.0


def test_a_single_seed_has_no_deviation_and_an_old_run_no_curve(tmp_path: Path) -> None:
    run = leave_run(tmp_path / "a", agreement=0.6, training_seconds=None)
    (group,) = read_groups({"a": [run]})
    assert [p.deviation for p in group.curve("kl", "steps")] == [None] * 3
    assert group.curve("auc", "steps") == [] and group.mean("training_seconds") is None


def test_runs_on_other_samples_are_left_out(tmp_path: Path) -> None:
    runs = {
        "a": [leave_run(tmp_path / "a", agreement=0.6)],
        "b": [leave_run(tmp_path / "b", agreement=0.7, method="dafl")],
        "c": [leave_run(tmp_path / "c", agreement=0.9, method="cmi", data=OTHER)],
    }
    assert [group.label for group in read_groups(runs)] == ["a", "b"]


def test_a_student_from_data_is_taken_where_it_was_evaluated_on_the_others_samples(tmp_path: Path) -> None:
    free = leave_run(tmp_path / "a", agreement=0.6)
    kd = leave_run(tmp_path / "kd", agreement=0.9, mode="kd", method="kd", generator=None, data=OTHER)
    figures = read_json(free / "result.json")
    figures["student"]["agreement"] = 0.8
    write_json(kd / "evaluate-jets.json", figures | {"mode": "kd", "method": "kd", "generator": None})
    groups = {group.label: group for group in read_groups({"a": [free], "kd": [kd]})}
    assert groups["kd"].values("agreement") == [0.8] and groups["kd"].is_reference and not groups["a"].is_reference


def test_runs_of_other_teachers_are_refused(tmp_path: Path) -> None:
    runs = [leave_run(tmp_path / name, agreement=0.6) for name in "abc"]
    require_one_teacher(runs)
    for run, sha in zip(runs, ("aa", "aa", "bb"), strict=True):
        write_json(run / "config.json", {"files": {"teacher": {"path": "t.pt", "sha256": sha}}})
    require_one_teacher(runs[:2])
    for run, members in zip(runs[:2], ({"teacher.1": "cc"}, {"teacher.1": "dd"}), strict=True):
        files = {role: {"path": "t.pt", "sha256": sha} for role, sha in ({"teacher": "aa"} | members).items()}
        write_json(run / "config.json", {"files": files})
    with pytest.raises(UserError, match="other files under the name"):
        require_one_teacher(runs[:2])  # ensembles of the same first network
    for run in runs[:2]:
        write_json(run / "config.json", {"files": {"teacher": {"path": "t.pt", "sha256": "aa"}}})
    with pytest.raises(UserError, match=r"a .*c: have other teachers, other files under the name"):
        require_one_teacher(runs)
    figures = read_json(runs[1] / "result.json")
    figures["teacher"]["name"] = "another"
    write_json(runs[1] / "result.json", figures)
    with pytest.raises(UserError, match="and another; compare runs of one"):
        require_one_teacher(runs[:2])


def test_runs_without_names_are_told_apart(tmp_path: Path) -> None:
    runs = [
        leave_run(tmp_path / "0", agreement=0.6),
        leave_run(tmp_path / "1", agreement=0.6, seed=1),
        leave_run(tmp_path / "2", agreement=0.6, generator="shower"),
        leave_run(tmp_path / "3", agreement=0.6, generator="shower", iterations=20, changes={"student_lr": 0.1}),
        leave_run(tmp_path / "4", agreement=0.6, method="dafl"),
    ]
    named = labels_of(records_of_runs(runs))
    assert {label: len(members) for label, members in named.items()} == {
        "zskt@mlp": 2,
        "zskt@shower (10 iterations)": 1,
        "zskt@shower (20 iterations, student_lr = 0.1)": 1,
        "dafl": 1,
    }


def test_a_label_counts_settings_where_there_are_many(tmp_path: Path) -> None:
    changes = {"student_lr": 0.1, "batch_size": 8, "replay_fraction": 0.5}
    runs = [leave_run(tmp_path / "0", agreement=0.6), leave_run(tmp_path / "1", agreement=0.6, changes=changes)]
    assert list(labels_of(records_of_runs(runs))) == ["zskt", "zskt (batch_size = 8, 2 other settings)"]


def test_no_run_is_a_seed_of_another_recipe(tmp_path: Path) -> None:
    few = {"mode": "few-shot", "method": "supervised", "generator": None, "iterations": None, "epochs": 5}
    kd = {"mode": "kd", "method": "kd", "generator": None}
    other = NetworkScores(name="deepsets", agreement=0.5, auc=0.9, kl=1.0)
    entries: list[dict[str, Any]] = [
        {},
        {"student": other},
        {"batch_size": 64},
        {"preset": "q"},
        {"mode": "compress", "changes": {"channels": 0.5}},
        {"changes": {"student_lr": 0.1}},
        {"queries": 500},
        *(kd | {"answers": count} for count in (2500, 4000)),
        *(few | {"samples_per_class": m, "init_from_run": "scratch"} for m in (10, 100)),
        few | {"samples_per_class": 10, "init_from_run": "zero-shot p"},
        few | {"samples_per_class": 10, "init_from_run": "scratch", "kd_fraction": 0.9},
    ]
    runs = []
    for i, own in enumerate(entries):
        student = own.pop("student", None)
        runs.append(leave_run(tmp_path / str(i), agreement=0.5, **own))
        if student is not None:
            write_json(runs[-1] / "result.json", result(student=student).to_dict())
    named = labels_of(records_of_runs(runs))
    assert [[record.folder.name for record in several] for several in named.values()] == [
        [str(i)] for i in range(len(entries))
    ]
    labels = list(named)
    for i, word in {1: "student deepsets", 2: "batch_size = 64", 3: "preset q", 4: "mode compress, channels = 0.5",
                    6: "500 queries", 7: "2 500 answers", 8: "4 000 answers", 9: "10 samples a class",
                    10: "100 samples a class", 11: "from zero-shot p", 12: "kd_fraction = 0.9"}.items():  # fmt: skip
        assert word.split(", ")[0] in labels[i] and word.split(", ")[-1] in labels[i], labels[i]
    assert labels_of(records_of_runs(runs[:2])).keys() == {"zskt (student s)", "zskt (student deepsets)"}
    assert labels_of(records_of_runs(runs[7:9])).keys() == {"kd (2 500 answers)", "kd (4 000 answers)"}


def test_students_of_other_data_are_told_apart_by_the_name_of_the_file(tmp_path: Path) -> None:
    runs = [
        leave_run(tmp_path / f"{i}", agreement=0.5, mode="kd", method="kd", generator=None, seed=i) for i in range(3)
    ]
    for run, sha in zip(runs, ("aa" * 32, "aa" * 32, "bb" * 32), strict=True):
        write_json(run / "config.json", {"files": {"data": {"path": f"/x/{sha[0]}.csv", "sha256": sha}}})
    assert {name: len(several) for name, several in labels_of(records_of_runs(runs)).items()} == {
        "kd (data a.csv)": 2, "kd (data b.csv)": 1,
    }  # fmt: skip


def test_a_compressed_student_learned_without_data(tmp_path: Path) -> None:
    runs = [
        leave_run(tmp_path / "a", agreement=0.6, mode="compress", changes={"bits": 8}),
        leave_run(tmp_path / "kd", agreement=0.9, mode="kd", method="kd", generator=None, data=OTHER),
    ]
    (group,) = read_groups({"c": runs[:1], "kd": runs[1:]})  # on the samples of the run without data
    assert group.label == "c" and not group.is_reference
    head, rows = head_and_rows([group])
    assert rows[0][:2] == ["c", "mlp"] and "of kd's agreement" not in head


def test_a_copy_of_a_run_counts_once_and_is_named(tmp_path: Path) -> None:
    runs = [leave_run(tmp_path / name, agreement=0.6, seed=seed) for name, seed in (("a", 0), ("copy", 0), ("b", 1))]
    runs.append(leave_run(tmp_path / "other", agreement=0.6, seed=2, data=OTHER))
    named = labels_of(records_of_runs(runs))
    groups = choose_same_data(named)
    assert [record.folder.name for group in groups for record in group.records] == ["a", "b"]
    copy, other = left_out(named, groups)
    assert copy == f"{runs[1]}: repeats seed 0 of {runs[0]}, which counts once"
    assert other == f"{runs[3]}: was scored on other samples, and is left out"
