"""Each moment counts for the innermost part; sealed parts count for themselves."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchmarks import stopwatch
from benchmarks.overhead import OUTSIDE, shares
from benchmarks.stopwatch import REST, Stopwatch


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: now[0])
    return now


def test_moments_count_for_the_innermost_part(clock: list[float]) -> None:
    watch = Stopwatch()
    clock[0] += 1
    with watch.part("outer"):
        clock[0] += 2
        with watch.part("inner"):
            clock[0] += 4
        clock[0] += 8
    with watch.part("sealed", sealed=True), watch.part("inner"):
        clock[0] += 16
    clock[0] += 32
    assert watch.stop() == {REST: 33, "outer": 10, "inner": 4, "sealed": 16}


def test_functions_are_wrapped_and_given_back(clock: list[float]) -> None:
    def wait(seconds: float) -> float:
        clock[0] += seconds
        if seconds < 0:
            raise ValueError("backwards")
        return seconds

    owner, watch = SimpleNamespace(wait=wait), Stopwatch()
    watch.wrap(owner, "wait", "waiting")
    assert owner.wait(3.0) == 3.0
    with pytest.raises(ValueError, match="backwards"):
        owner.wait(-1.0)
    assert watch.stop() == {REST: 0, "waiting": 2.0}
    watch.close()
    assert owner.wait is wait


def test_a_restart_forgets(clock: list[float]) -> None:
    watch = Stopwatch()
    clock[0] += 5
    watch.restart()
    clock[0] += 1
    assert watch.stop() == {REST: 1}


def test_shares_leave_evaluation_out() -> None:
    found = shares({"teacher": 3.0, "student": 4.0, "optimiser": 2.0, REST: 1.0, "evaluation": 90.0})
    assert found["teacher"] == pytest.approx(0.3) and "evaluation" not in found
    assert found[OUTSIDE] == pytest.approx(0.3)
