"""The plan for a few minutes on a card: which runs in which order, what becomes of them, what is packed."""

from __future__ import annotations

import dataclasses
import json
import tarfile
import time
from pathlib import Path

import pytest

from benchmarks import cuda_plan
from benchmarks.__main__ import main
from benchmarks.cuda_plan import Plan, Run, compared, pack, run_all, runs
from teachers import TEACHERS


def plan(tmp_path: Path, **more: object) -> Plan:
    defaults = {"device": "cpu", "out": tmp_path / "out", "deadline": time.monotonic() + 120, "work": tmp_path / "work"}
    made = Plan(**defaults | more)  # type: ignore[arg-type]
    made.out.mkdir(exist_ok=True)
    return made


def test_rows_have_three_seeds_and_begin_with_the_teachers_that_ship(tmp_path: Path) -> None:
    found = runs(plan(tmp_path, device="cuda", data=Path("data"), resnet20=Path("net.th")))
    names = [run.name for run in found]
    assert len(set(names)) == len(names)
    assert not any(run.arguments[1] == "teacher" for run in found), "all of them ship"
    rows = [name for name in names if name.startswith("cifar10-wrn-16-2-to-wrn-16-1")]
    assert sum(name.endswith(("seed0", "seed1", "seed2")) and "bf16" in name for name in rows) == 6
    methods = {name.split("-")[3] for name in names if name.startswith("resnet20")}
    assert methods == {"zskt", "kd", "dafl"}
    dafl = next(run for run in found if "dafl" in run.name)
    assert "class_entropy_weight=5" in dafl.arguments


def test_what_needs_data_is_left_out_without(tmp_path: Path) -> None:
    assert not compared(plan(tmp_path, device="cuda"))
    assert not any("kd" in run.name for run in compared(plan(tmp_path, device="cuda", resnet20=Path("net.th"))))


def test_a_teacher_that_does_not_ship_is_trained_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "cifar10-wrn-16-2"
    without = dataclasses.replace(TEACHERS[name], bundled_file=None)  # type: ignore[type-var]
    monkeypatch.setattr("teachers.TEACHERS", TEACHERS | {name: without})
    found = runs(plan(tmp_path, device="cuda", data=Path("data")))
    assert found[0].arguments[:4] == ("--mode", "teacher", "--preset", "cifar10-wrn-16-2")
    assert {run.teacher for run in found if "16-2-to" in run.name} == {"cifar10-wrn-16-2"}
    assert {run.teacher for run in found if "40-2-to" in run.name} == {""}


def test_a_run_that_fails_stops_nobody_and_one_that_waits_for_it_is_not_begun(tmp_path: Path) -> None:
    made = plan(tmp_path)
    states = run_all(
        made,
        [
            Run("wrong", ("--mode", "zero-shot", "--preset", "no-such-preset")),
            Run("waits", ("--mode", "toy"), teacher="wrong"),
        ],
    )
    assert states["wrong"]["state"] == "failed" and "no-such-preset" in states["wrong"]["why"]
    assert states["waits"]["state"] == "not begun"


def test_finished_runs_are_packed_whole_and_others_with_their_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(tmp_path)
    monkeypatch.setattr(cuda_plan, "VOLUME", 1000)
    for name in ("a", "b", "c"):
        folder = made.work / name
        folder.mkdir(parents=True)
        (folder / "metrics.jsonl").write_text("{}\n")
        (folder / "checkpoint.pt").write_bytes(bytes(5000))
        if name != "c":
            (folder / "result.json").write_text("{}")
            (folder / "student.safetensors").write_bytes(bytes(700))
    pack(made)
    packed = []
    for volume in sorted(made.out.glob("runs-*.tar.gz")):
        with tarfile.open(volume) as archive:
            packed.append(sorted(archive.getnames()))
    assert packed == [
        ["a/metrics.jsonl", "a/result.json", "a/student.safetensors"],
        ["b/metrics.jsonl", "b/result.json", "b/student.safetensors", "c/metrics.jsonl"],
    ]


@pytest.mark.slow
def test_the_command_is_rehearsed_on_the_cpu(tmp_path: Path) -> None:
    flags = ["--device", "cpu", "--minutes", "3", "--parts", "runs", "--work", str(tmp_path / "work")]
    assert main([*flags, "--out", str(tmp_path / "out")]) == 0
    states = json.loads((tmp_path / "out" / "plan.json").read_text())
    done = [name for name, state in states.items() if isinstance(state, dict) and state["state"] == "done"]
    assert len(done) == 2
    assert main([*flags, "--out", str(tmp_path / "again")]) == 0, "what is done is not done again"
    again = json.loads((tmp_path / "again" / "plan.json").read_text())
    assert {again[name]["why"] for name in done} == {"before"}
