"""The clock of the benchmarks: jobs in turns, warm-up not counted, medians and quartiles."""

from __future__ import annotations

import pytest

from benchmarks import bench
from benchmarks.bench import Bench, Times, at_least, at_most


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still unless a job moves it: [seconds]."""
    now = [0.0]
    for name in ("perf_counter", "process_time"):
        monkeypatch.setattr(bench.time, name, lambda: now[0])
    return now


def test_jobs_take_turns(clock: list[float]) -> None:
    calls: list[str] = []

    def job(name: str, seconds: float) -> bench.Job:
        def run() -> None:
            calls.append(name)
            clock[0] += seconds

        return run

    times = Bench().time({"a": job("a", 1.0), "b": job("b", 2.0)}, rounds=3)
    assert "".join(calls) == "ab" + "ababab"  # to warm up, then in turns
    assert times.seconds == {"a": [1.0] * 3, "b": [2.0] * 3}


def test_the_call_to_warm_up_is_not_counted(clock: list[float]) -> None:
    durations = iter([50.0, 1.0, 1.0])

    def job() -> None:
        clock[0] += next(durations)

    assert Bench().time({"a": job}, rounds=2).median("a") == 1.0


def test_short_jobs_are_repeated(clock: list[float]) -> None:
    calls = 0

    def job() -> None:
        nonlocal calls
        calls += 1
        clock[0] += bench.MIN_SECONDS / 4

    times = Bench().time({"a": job}, rounds=2)
    assert calls == 2 + 2 * 4
    assert times.median("a") == pytest.approx(bench.MIN_SECONDS / 4)


def test_it_stops_before_its_time_is_over(clock: list[float]) -> None:
    def job() -> None:
        clock[0] += 1.0

    assert len(Bench(seconds=6.5).time({"a": job}).seconds["a"]) == 5  # one to warm up
    assert len(Bench(seconds=0.1).time({"a": job}).seconds["a"]) == 1
    assert len(Bench(seconds=1e9).time({"a": job}).seconds["a"]) == bench.MAX_ROUNDS


def test_ratios_compare_what_was_measured_together() -> None:
    times = Times({"slow": [2.0, 40.0, 6.0], "fast": [1.0, 10.0, 2.0]})  # the machine was busy in the second round
    assert times.ratio("slow", "fast") == {"median": 3.0, "quartiles": [2.5, 3.5], "rounds": 3}
    assert Times({"a": [3.0], "b": [1.5]}).ratio("a", "b")["quartiles"] == [2.0, 2.0]


def test_targets() -> None:
    assert at_most(1.25, 1.3) == {"wanted": "<= 1.25", "reached": 1.3, "met": False}
    assert at_least(6, 6.0)["met"] and not at_least(6, 5.9)["met"]


def test_sizes_are_what_the_user_set() -> None:
    context = Bench(sizes={"batch": "8", "folder": "x"})
    assert (context.size("batch", 128), context.size("steps", 10), context.text("folder")) == (8, 10, "x")
