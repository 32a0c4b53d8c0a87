"""The table of states: what is printed as it changes, and what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from zskt.cluster.states import Board, Phase, State, main_metric
from zskt.storage.files import read_json


def test_rows_are_printed_when_they_change_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = Board({"a": State(10), "long": State(10), "c": State(3, Phase.DONE, 3)}, tmp_path / "sweep.json")
    board.show()
    assert "c     done\n" in capsys.readouterr().out
    board.states["a"].phase, board.states["a"].done = Phase.RUNNING, 4
    board.show(progress=False)
    assert capsys.readouterr().out == "a     running 4 of 10\n1 waiting, 1 running, 1 done, 0 failed\n"
    board.states["a"].done = 5
    board.show(progress=False)
    assert capsys.readouterr().out == ""
    assert read_json(tmp_path / "sweep.json")["runs"]["a"]["done"] == 5
    board.show(progress=True)
    assert "running 5 of 10" in capsys.readouterr().out
    board.states["a"] = State(10, Phase.FAILED, 5, why="out of luck")
    board.states["long"] = State(10, Phase.DONE, 10, metric="agreement", value=0.5)
    board.show()
    out = capsys.readouterr().out
    assert out == "a     failed: out of luck\nlong  done, agreement 0.5000\n0 waiting, 0 running, 2 done, 1 failed\n"
    kept = read_json(tmp_path / "sweep.json")
    assert kept["schema"] == 1 and kept["runs"]["a"]["why"] == "out of luck"
    assert kept["runs"]["long"] | {"phase": "done", "value": 0.5} == kept["runs"]["long"]


def test_agreement_comes_before_accuracy() -> None:
    assert main_metric({"student": {"agreement": 0.5, "accuracy": 0.7}}) == ("agreement", 0.5)
    assert main_metric({"student": {"agreement": None, "accuracy": 0.7}}) == ("accuracy", 0.7)
    assert main_metric({"student": {"agreement": None, "accuracy": None}}) == ("", None)
