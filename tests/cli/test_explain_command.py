"""Mode ``explain`` from the command line: the page, its figures and every curve."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch

from tests.cli.test_file_commands import SHORT, Rows, write
from tests.conftest import Call


@pytest.fixture
def teacher(tmp_path: Path) -> tuple[object, ...]:
    file = write(Rows(3), torch.rand(2, 3), tmp_path / "net.pt")
    (tmp_path / "inputs.yaml").write_text("features: [{name: a, low: 0, high: 1}, {name: b}, {name: c, low: -1}]")
    (tmp_path / "names.txt").write_text("one\ntwo\nthree\n")
    (tmp_path / "table.csv").write_text("b,a,c,label\n0,0.5,1,two\n1,0.1,2,one\n-2,0.9,0,three\n0,0.2,1,one\n")
    return ("--teacher-path", file, "--inputs", "inputs.yaml", "--classes", "names.txt")


def test_seeds_and_other_students_on_one_page(call: Call, teacher: tuple[object, ...]) -> None:
    students = {"s0": ("additive", 0), "s1": ("additive", 1), "pairs": ("additive-pairs", 0), "mlp": ("mlp", 0)}
    for out, (student, seed) in students.items():
        arguments = ("--mode", "zero-shot", *teacher, *SHORT, "--student", student, "--seed", seed, "--out", out)
        code, _, err = call(*arguments)
        assert code == 0, err
    code, out, err = call("--mode", "explain", "--run", *students, "--data", "table.csv")
    assert code == 0, err
    assert "table.csv: of" in out and "main effects" in out and "pairs" in out and "unexplained" in out
    assert "an explanation on the prior's samples" in out
    figures = json.loads(Path("s0/explain/explain.json").read_text())
    groups = figures["sets"]["prior"]["groups"]
    assert list(groups) == ["additive of all inputs", "additive-pairs of all inputs", "mlp of all inputs"]
    assert groups["additive of all inputs"]["seeds"] == 2
    assert set(groups["additive of all inputs"]["features"]) == {"a", "b", "c"}
    assert len(groups["additive-pairs of all inputs"]["pairs"]) == 3
    assert figures["sets"]["data"]["count"] == 4
    rows = list(csv.DictReader(Path("s0/explain/curves.csv").read_text().splitlines()))
    assert len(rows) == 2 * 3 * 3 * 60
    assert all(float(r["low"]) <= float(r["mean"]) <= float(r["high"]) for r in rows)
    page = Path("s0/explain/explain.html").read_text()
    assert "python train.py --mode explain --run s0 s1 pairs mlp --data table.csv" in page
    assert "Mind: this is an explanation on the prior&#39;s" in page and page.count("<img") == 2


def test_what_cannot_be_explained_is_said(call: Call, teacher: tuple[object, ...]) -> None:
    code, _, err = call("--mode", "zero-shot", *teacher, *SHORT, "--out", "run")
    assert code == 0, err
    code, _, err = call("--mode", "explain", "--run", "run")
    assert code == 2 and "no student here is additive" in err and err.count("\n") == 1


def test_a_run_is_no_second_seed_of_itself(call: Call, teacher: tuple[object, ...]) -> None:
    code, _, err = call("--mode", "zero-shot", *teacher, *SHORT, "--student", "additive", "--out", "s0")
    assert code == 0, err
    code, _, err = call("--mode", "explain", "--run", "s0", "./s0/")
    assert code == 2 and err == "zskt: --run: names a run twice; name each once\n"
    code, _, err = call("--mode", "compress", "--run", "s0", "--bits", 6, "--out", "small")
    assert code == 2 and "additive has neither linear layers nor convolutions" in err and not Path("small").exists()
