"""The page on several runs of one teacher."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser import look_at, require_sound
from zskt.results.report_several import short_names
from zskt.storage.files import read_json

from .conftest import REFERENCE

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """A student without data and one with, of one teacher."""
    names = ("jets-embedded-shower-seed0", "jets-embedded-kd-seed0")
    return [Path(shutil.copytree(REFERENCE / name, tmp_path / name)) for name in names]


def test_students_stand_side_by_side(call: Call, runs: list[Path], tmp_path: Path) -> None:
    code, out, err = call("--mode", "report", "--run", *runs)
    assert code == 0, err
    folder = tmp_path / "report-jets-embedded-shower-seed0-and-1-more"
    assert f"report: {folder / 'report.html'}" in out
    figures = read_json(folder / "report.json")
    assert figures["baseline"] == "kd" and set(figures["recipes"]) == {"zskt", "kd"}
    zskt, kd = figures["recipes"]["zskt"], figures["recipes"]["kd"]
    difference = zskt["differences"]["agreement"]
    assert difference["value"] == pytest.approx(zskt["means"]["agreement"] - kd["means"]["agreement"])
    assert difference["low"] < difference["value"] < difference["high"]
    text = (folder / "report.html").read_text()
    for words in ("Students of zskt-particlenet", "Differences", "of kd&#39;s agreement", "paired bootstrap",
                  "Accuracy of each class"):  # fmt: skip
        assert words in text, words
    require_sound(look_at(folder / "report.html", "dark"))
    assert call("--mode", "report", "--run", *runs)[0] == 0  # anew
    shutil.copytree(REFERENCE / "jets-embedded-kd-seed0", tmp_path / "else")
    code, _, err = call("--mode", "report", "--run", *runs, "--out", tmp_path / "else")
    assert code == 2 and "nothing is overwritten" in err


def test_folders_of_one_name_are_told_by_those_above_them() -> None:
    paths = [Path(p) for p in ("/a/x/run", "/b/x/run", "/b/other", "/b/y/run")]
    assert short_names(paths) == ["a/x/run", "b/x/run", "other", "y/run"]
    assert short_names(paths[2:]) == ["other", "run"]


def test_evaluations_of_several_runs_are_one_table(call: Call, runs: list[Path]) -> None:
    code, out, err = call("--mode", "evaluate", "--run", *runs, "--format", "csv")
    assert code == 0, err
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["run"] for row in rows] == ["teacher", *map(str, runs)]
    scored = read_json(runs[0] / "evaluate-sample.json")
    assert float(rows[1]["agreement"]) == scored["student"]["agreement"]
    assert rows[0]["agreement"] == "" and float(rows[0]["accuracy"]) == scored["teacher"]["accuracy"]


def test_runs_of_different_teachers_have_no_page(call: Call, runs: list[Path], tmp_path: Path) -> None:
    other = shutil.copytree(REFERENCE / "fashion-mnist-lenet5-to-lenet5-half-seed0", tmp_path / "images")
    code, _, err = call("--mode", "report", "--run", runs[0], other)
    assert code == 2 and "another teacher or other samples" in err
    assert call("--mode", "report", "--run", runs[0], runs[0])[0] == 2


def test_a_copied_run_is_no_second_seed(call: Call, runs: list[Path], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(runs[0], tmp_path / "copy"))
    code, _, err = call("--mode", "report", "--run", *runs, copy)
    assert code == 0, err
    (line,) = [line for line in err.splitlines() if "copy" in line]
    assert line == f"zskt: {copy}: repeats seed 0 of {runs[0]}, which counts once"
    folder = tmp_path / f"report-{runs[0].name}-and-2-more"
    assert read_json(folder / "report.json")["recipes"]["zskt"]["runs"] == [runs[0].name]
    assert "2 runs of 2 recipes" in (folder / "report.html").read_text()
