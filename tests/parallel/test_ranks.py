"""Who prints: rank 0, and of an error the first that has one."""

from __future__ import annotations

import sys

import pytest

from zskt.parallel import ranks
from zskt.parallel.ranks import ALONE, World, announced, join, leave, left_in_disorder, muted, tell, world


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is rank 1 of 2."""
    place = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "here", "MASTER_PORT": "1"}
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TORCH_CPP_LOG_LEVEL", "ERROR")
    monkeypatch.setattr(ranks._Process, "world", ALONE)
    monkeypatch.setattr(ranks._Process, "is_first", None)


def test_alone_without_torchrun_and_with_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert announced() == ALONE
    monkeypatch.setenv("WORLD_SIZE", "2")  # of something else
    assert announced() == ALONE


@pytest.mark.usefixtures("second")
def test_a_rank_is_silent_until_it_is_the_first_to_tell_of_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert announced() == World(1, 2, 0) and world() == ALONE
    with muted():
        print("hidden")
        print("hidden", file=sys.stderr)
        tell("told by rank 0")
        join(announced(), lambda: False)
        tell("told by another")
        join(announced(), lambda: None)
        tell("all ran into it")
        tell("one is gone", of_others=True)
        join(announced(), lambda: True)
        tell("told here")
        assert world().size == 2 and not left_in_disorder()
    out, err = capsys.readouterr()
    assert out == "" and err == "one is gone\ntold here\n"
    leave(in_order=False)
    assert world() == ALONE and left_in_disorder()
    leave()
    assert not left_in_disorder()
