"""A sweep on this machine, by the command line: two workers, done runs skipped, failures named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.conftest import Call
from tests.teachers.plain_networks import Rows, write
from zskt.storage.files import read_json
from zskt.storage.folder_lock import FolderLock

pytest.importorskip("distributed")
SHORT = ("--iterations", 3, "--student-steps", 1, "--batch-size", 8)


@pytest.fixture
def vectors(tmp_path: Path) -> tuple[object, ...]:
    file = write(Rows(3), torch.rand(2, 3), tmp_path / "net.pt")
    (tmp_path / "inputs.yaml").write_text("features: [{name: a, low: 0, high: 1}, {name: b}, {name: c, low: -1}]")
    return ("--mode", "sweep", "--presets", "vectors", "--teacher-path", file, "--inputs", tmp_path / "inputs.yaml")


@pytest.mark.slow
def test_two_workers_do_a_sweep_and_a_later_call_does_what_is_left(call: Call, vectors: tuple[object, ...]) -> None:
    Path("table.csv").write_text("b,a,c,label\n0,0.5,1,1\n1,0.1,2,0\n-2,0.9,0,2\n")
    sweep = (*vectors, *SHORT, "--set", "student_lr=0.001", "--data", "table.csv", "--out", "runs")
    sweep = (*sweep, "--logger", "csv", "--seeds")
    code, out, err = call(*sweep, 0, 1)
    names = [f"zero-shot-vectors-zskt-seed{seed}" for seed in range(3)]
    assert code == 0 and "0 waiting, 0 running, 2 done, 0 failed" in out, err
    for seed, name in enumerate(names[:2]):
        config, result = (read_json(Path("runs", name, f"{file}.json")) for file in ("config", "result"))
        assert (config["seed"], config["settings"]["student_lr"], result["iterations"]) == (seed, 0.001, 3)
        assert Path("runs", name, "metrics.csv").is_file()
    assert "**vectors**" in out and "3 vectors of table.csv" in out and "done, agreement" in out
    assert Path("runs/tables.md").is_file()
    first = Path("runs", names[0], "result.json").stat().st_mtime_ns
    Path("runs", names[1], "result.json").unlink()  # as if it had been killed at its last moment
    code, out, err = call(*sweep, 0, 1, 2)
    assert code == 0 and "3 done, 0 failed" in out, err
    assert Path("runs", names[0], "result.json").stat().st_mtime_ns == first
    states = read_json(Path("runs/sweep.json"))["runs"]
    assert [states[name]["phase"] for name in names] == ["done"] * 3
    code, _, err = call(*sweep, 0, "--batch-size", 16)
    assert (
        code == 2 and f"{names[0]}: was begun otherwise: batch_size is 8 there, 16 here" in err and err.count("\n") == 1
    )


@pytest.mark.slow
def test_a_teacher_is_trained_first_and_a_failed_run_is_named(
    call: Call, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    presets = ("mnist-lenet5-to-lenet5-half", "mnist-lenet5")
    code, out, err = call(
        *("--mode", "sweep", "--presets", *presets, "--methods", "zskt", "--data", digits / "none", "--out", "s"),
        *SHORT,
    )
    assert code == 2 and "no such file" in err and err.count("\n") == 1
    broken = digits / "train-00000-of-00001.parquet"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-50])
    sweep = ("--mode", "sweep", "--presets", "mnist-lenet5", "--data", digits, "--out", "s", "--iterations", 2)
    code, out, err = call(*sweep, "--batch-size", 16)
    name = "teacher-mnist-lenet5-seed0"
    assert code == 2 and f"1 of 1 runs failed, {name} first" in err and err.count("\n") == 1, err
    why = read_json(Path("s/sweep.json"))["runs"][name]["why"]
    assert "train-00000-of-00001.parquet" in why and f"{name}  failed: {why}" in out
    broken.write_bytes(whole)
    code, out, err = call(*sweep, "--batch-size", 16)
    assert code == 0 and f"{name}  done, accuracy" in out, err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--presets", "vectos"), "unknown preset 'vectos': did you mean vectors"),
        (("--methods", "zsk"), "unknown method 'zsk'"),
        (("--set", "student_l=1"), "unknown setting"),
        (("--iterations", "0"), "iterations is 0, but must be at least 1"),
        (("--cluster", "moon"), "--cluster moon: choose one of local"),
        (("--workers", "0"), "--workers is 0, but must be at least 1"),
        (("--site", "none.toml"), "--site none.toml: no such file"),
        (("--out", "net.pt"), "--out net.pt: is a file"),
    ],
)
def test_mistakes_are_one_line_before_anything_begins(
    call: Call, vectors: tuple[object, ...], words: tuple[str, ...], line: str
) -> None:
    code, _, err = call(*vectors, "--out", "runs", *words)
    assert code == 2 and line in err and err.count("\n") == 1, err
    assert not list(Path().glob("runs/*/config.json"))


def test_two_sweeps_do_not_share_a_folder(call: Call, vectors: tuple[object, ...]) -> None:
    Path("runs").mkdir()
    with FolderLock(Path("runs")):
        code, _, err = call(*vectors, "--out", "runs")
    assert code == 75 and "is at work there" in err and err.count("\n") == 1
