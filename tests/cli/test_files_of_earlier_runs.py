"""Modes that go on with the student of an earlier run ask the teacher of that run, file by file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.cli.test_file_commands import SHORT, Rows, write
from tests.conftest import Call

MODES = {"compress": ("--bits", 6, *SHORT), "few-shot": ("--data", "table.csv", "--iterations", 1)}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "inputs.yaml").write_text("features: [{name: a, low: 0, high: 1}, {name: b}, {name: c, low: -1}]")
    (tmp_path / "table.csv").write_text("b,a,c,label\n0,0.5,1,1\n1,0.1,2,0\n-2,0.9,0,2\n0,0.2,1,0\n")
    return write(Rows(3), torch.rand(2, 3), tmp_path / "one.pt"), write(Rows(3), torch.rand(2, 3), tmp_path / "two.pt")


def begin(call: Call, *networks: Path) -> None:
    teacher = ("--teacher-path", *networks, "--inputs", "inputs.yaml")
    code, _, err = call("--mode", "zero-shot", *teacher, *SHORT, "--data", "table.csv", "--out", "run")
    assert code == 0, err


@pytest.mark.parametrize("mode", MODES)
def test_the_teacher_of_the_run_is_recorded_again(call: Call, files: tuple[Path, Path], mode: str) -> None:
    begin(call, *files)
    code, _, err = call("--mode", mode, "--run", "run", *MODES[mode], "--out", "next")
    assert code == 0, err
    before, now = (json.loads(Path(run, "config.json").read_text()) for run in ("run", "next"))
    for role in ("teacher", "teacher.1"):  # both networks of the ensemble
        assert now["files"][role] == before["files"][role] and now["files"][role]["sha256"]
    assert now["members"] == 2
    code, out, err = call("--mode", "evaluate", "--run", "next", "--data", "table.csv", "--format", "json")
    assert code == 0 and not err and json.loads(out)[-1]["agreement"] is not None


@pytest.mark.parametrize("mode", MODES)
def test_another_teacher_of_the_same_shape_is_refused(call: Call, files: tuple[Path, Path], mode: str) -> None:
    begin(call, files[0])
    for flags in (("--teacher-path", files[1]), ()):
        code, _, err = call("--mode", mode, "--run", "run", *MODES[mode], *flags, "--out", "next")
        assert code == 2 and "is not the teacher that this run was distilled from" in err and not Path("next").exists()
        files[0].write_bytes(files[1].read_bytes())  # the second time the file itself is another


def test_a_network_counts_once_in_an_ensemble(call: Call, files: tuple[Path, Path]) -> None:
    teacher = ("--teacher-path", *files, files[0], "--inputs", "inputs.yaml")
    code, _, err = call("--mode", "zero-shot", *teacher, *SHORT, "--data", "table.csv", "--out", "run")
    assert code == 2 and "one.pt: is there twice, so that its answers would count twice; name it once" in err
    assert not Path("run").exists()
