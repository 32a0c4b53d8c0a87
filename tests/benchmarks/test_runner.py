"""Benchmarks run one after the other: a failure stops nothing, a deadline is kept."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from benchmarks import child, runner
from benchmarks.__main__ import main, write
from benchmarks.bench import Bench, Skipped
from benchmarks.report import report
from benchmarks.runner import Outcome, Runner
from benchmarks.table import BENCHMARKS, Benchmark

STARTED = """
import json, sys
from benchmarks import child
from benchmarks.table import BENCHMARKS, Benchmark
sys.path.insert(0, {folder!r})
for name in ("good", "bad", "missing", "slow"):
    BENCHMARKS[name] = Benchmark("mine_" + name, "one of the tests", seconds=10, least=1)
sys.exit(child.main(sys.argv[1:]))
"""
MODULES = {
    "good": "def measure(bench):\n    return {'ratios': {}, 'targets': {}, 'size': bench.size('batch', 1)}",
    "bad": "def measure(bench):\n    raise ValueError('no good')",
    "missing": "import weavver\ndef measure(bench): ...",
    "slow": "import time\ndef measure(bench):\n    time.sleep(600)",
}


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Benchmark]:
    """Four benchmarks, of which one is good."""
    for name, code in MODULES.items():
        (tmp_path / f"mine_{name}.py").write_text(code)
    starter = tmp_path / "starter.py"
    starter.write_text(STARTED.format(folder=str(tmp_path)))
    monkeypatch.setattr(runner, "COMMAND", [sys.executable, str(starter)])
    monkeypatch.setenv("PYTHONPATH", str(runner.ROOT))
    return {name: Benchmark(f"mine_{name}", "one of the tests", seconds=10, least=1) for name in MODULES}


def test_a_failure_stops_nothing(table: dict[str, Benchmark]) -> None:
    chosen = {name: table[name] for name in ("bad", "missing", "good")}
    bad, missing, good = Runner(sizes=["batch=7"]).run(chosen)
    assert (bad.state, bad.why) == ("failed", "ValueError: no good")
    assert (missing.state, missing.why) == ("skipped", "needs weavver, which is not installed")
    assert good.state == "done" and good.report["size"] == 7
    assert good.report["machine"]["torch"] and good.report["machine"]["cores"] >= 1
    assert good.report["peak_mib"] > 50
    printed = report([bad, missing, good])
    assert "bad: failed: ValueError: no good" in printed and "missing: skipped: needs weavver" in printed


def test_one_that_goes_on_is_stopped_at_the_deadline(
    table: dict[str, Benchmark], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "START_SECONDS", 0.0)
    begun = time.monotonic()
    slow, good = Runner(deadline=begun + 4).run({name: table[name] for name in ("slow", "good")})
    assert slow.state == "stopped" and "deadline" in slow.why
    assert (good.state, good.why) == ("not run", "no time left")
    assert time.monotonic() - begun < 30


def shares(left: float, *sizes: tuple[float, float]) -> list[float | None]:
    """Seconds that each of some benchmarks of (seconds, least) would get, if each used none of them."""
    benchmarks = [Benchmark("", "", seconds=seconds, least=least) for seconds, least in sizes]
    deadline = time.monotonic() + left
    return [Runner(deadline=deadline)._share(b, benchmarks[i:]) for i, b in enumerate(benchmarks)]


def test_a_deadline_is_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "START_SECONDS", 0.0)
    monkeypatch.setattr(runner, "MARGIN", 0.0)
    first, second = shares(40, (60, 5), (20, 5))
    assert first == pytest.approx(30, abs=0.1) and second == 20  # the second may have all that it wants
    assert shares(400, (60, 5), (20, 5)) == [60, 20]  # none gets more than it wants
    assert shares(4, (60, 5)) == [None]
    assert shares(12, (60, 10), (60, 10))[0] == 10  # rather one that is worth having than two that are not
    assert Runner()._share(Benchmark("", "", seconds=33), []) == 33


def test_a_missing_module_of_ours_is_no_reason_to_skip() -> None:
    with pytest.raises(ModuleNotFoundError):
        child.run("x", Benchmark("benchmarks.nowhere", ""), Bench())
    with pytest.raises(Skipped, match="needs weavver"):
        child.run("x", Benchmark("benchmarks.game", "", needs=("weavver",)), Bench())


def test_the_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in BENCHMARKS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "gmae"], "unknown benchmark 'gmae': did you mean game"),
        (["--size", "batch"], "--size batch: is not NAME=VALUE"),
    ],
)
def test_mistakes(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--device", "cpu", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_ratios_and_targets_are_tabulated(tmp_path: Path) -> None:
    found = {
        "machine": {"processor": "P", "cores": 2, "threads": 1, "torch": "2", "commit": "abc"},
        "ratios": {"a / b": {"median": 2.5, "quartiles": [2.25, 2.75], "rounds": 3}},
        "targets": {"a": {"wanted": ">= 3", "reached": 2.5, "met": False}},
    }
    outcomes = [Outcome("x", "done", report=found), Outcome("y", "not run", "no time left")]
    lines = report(outcomes).splitlines()
    assert lines[0] == "P, 2 cores, 1 threads; torch 2; commit abc"
    assert "x          a / b  2.5     2.25 to 2.75" in lines
    assert "x          a       >= 3    2.5      missed" in lines
    assert lines[-1] == "y: not run: no time left"
    write(outcomes, tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.json"]
    assert json.loads((tmp_path / "new" / "x.json").read_text()) == found
