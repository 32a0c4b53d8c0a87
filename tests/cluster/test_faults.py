"""Sweeps whose workers and runs are killed at random, and sweeps that are killed as a whole."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.teachers.plain_networks import Rows, write
from zskt.storage.files import read_json

psutil = pytest.importorskip("psutil")
pytest.importorskip("distributed")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """A sweep of tiny runs, without the number of seeds."""
    file = write(Rows(3), torch.rand(2, 3), tmp_path / "net.pt")
    (tmp_path / "inputs.yaml").write_text("features: [{name: a, low: 0, high: 1}, {name: b}, {name: c, low: -1}]")
    return [
        *(sys.executable, str(ROOT / "train.py"), "--mode", "sweep", "--presets", "vectors"),
        *("--teacher-path", str(file), "--inputs", str(tmp_path / "inputs.yaml"), "--out", str(tmp_path / "sweep")),
        *("--iterations", "8", "--student-steps", "1", "--batch-size", "8", "--set", "checkpoint_every=1"),
    ]


def start(command: list[str], seeds: int) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, "--seeds", *map(str, range(seeds))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def victims(sweep: subprocess.Popen[str]) -> Iterator[int]:
    """Yield the processes of a sweep's workers, and of the runs under them."""
    try:
        for process in psutil.Process(sweep.pid).children(recursive=True):
            words = " ".join(process.cmdline())
            if "--mode zero-shot" in words or "spawn_main" in words:
                yield process.pid
    except psutil.NoSuchProcess:
        return


def kill_at_random(sweep: subprocess.Popen[str], every: float, chance: random.Random) -> int:
    """Kill one of a sweep's processes now and then, until the sweep ends; returns how many."""
    kills = 0
    while not any(victims(sweep)) and sweep.poll() is None:
        time.sleep(0.2)
    time.sleep(every)
    while sweep.poll() is None:
        time.sleep(chance.uniform(0.5, 1.5) * every)
        living = list(victims(sweep))
        if living and sweep.poll() is None:
            try:
                os.kill(chance.choice(living), signal.SIGKILL)
                kills += 1
            except ProcessLookupError:
                pass
    return kills


def steps(run: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def endings(folder: Path, name: str) -> int:
    """How often a run said that it had ended with a result."""
    return (folder / "logs" / f"{name}.log").read_text().count(f"run: {folder / name}\n")


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "every"), [(6, 5.0), (200, 12.0)])
def test_killed_workers_and_runs_end_in_results_or_named_failures_and_none_twice(
    command: list[str], tmp_path: Path, seeds: int, every: float, request: pytest.FixtureRequest
) -> None:
    if seeds > 6 and "faults" not in request.config.getoption("markexpr"):
        pytest.skip("takes half an hour: pytest -m faults")
    folder = tmp_path / "sweep"
    sweep = start(command, seeds)
    kills = kill_at_random(sweep, every, random.Random(seeds))
    out, err = sweep.communicate()
    assert kills > 1, err
    runs = read_json(folder / "sweep.json")["runs"]
    assert len(runs) == seeds, err
    for name, state in runs.items():
        if state["phase"] == "done":
            assert (folder / name / "result.json").is_file()
            assert steps(folder / name) == list(range(1, 9)) and endings(folder, name) <= 1, name
        else:
            assert state["phase"] == "failed" and state["why"], (name, state)
    done = [name for name, state in runs.items() if state["phase"] == "done"]
    print(f"{kills} processes killed, {len(done)} of {seeds} done")
    assert len(done) > seeds / 2
    assert sweep.returncode == (0 if len(done) == seeds else 2), err
    times = {name: (folder / name / "result.json").stat().st_mtime_ns for name in done}
    again = start(command, seeds)
    out, err = again.communicate()
    assert again.returncode == 0 and f"{seeds} done, 0 failed" in out, err
    assert times == {name: (folder / name / "result.json").stat().st_mtime_ns for name in done}
    assert not list(folder.glob("*/.lock.json"))


@pytest.mark.faults
@pytest.mark.slow
def test_a_sweep_that_was_killed_as_a_whole_goes_on(command: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    long = [word.replace("checkpoint_every=1", "checkpoint_every=5") for word in command]
    long[long.index("--iterations") + 1] = "400"
    sweep = start(long, 3)
    begun = time.monotonic()
    while not any(len(lines) > 40 for lines in _metrics(folder)) and time.monotonic() - begun < 120:
        time.sleep(0.2)
    for pid in [sweep.pid, *victims(sweep)]:
        if pid == sweep.pid or "--mode zero-shot" not in " ".join(psutil.Process(pid).cmdline()):
            os.kill(pid, signal.SIGKILL)
    sweep.communicate()
    begun = time.monotonic()
    while list(folder.glob("*/.lock.json")) and time.monotonic() - begun < 60:
        time.sleep(0.2)  # the runs that are left save, and stop by themselves
    assert not list(folder.glob("*/.lock.json"))
    reached = {path.parent.name: len(path.read_text().splitlines()) for path in folder.glob("*/metrics.jsonl")}
    assert max(reached.values()) < 400 and not list(folder.glob("*/result.json"))
    again = start(long, 3)
    out, err = again.communicate()
    assert again.returncode == 0 and "3 done, 0 failed" in out, err
    for name, count in reached.items():
        assert steps(folder / name) == list(range(1, 401))
        log = (folder / "logs" / f"{name}.log").read_text()
        assert f"iteration {count} of 400" in log, "it went on where it was stopped"


def _metrics(folder: Path) -> Iterator[list[str]]:
    for path in folder.glob("*/metrics.jsonl"):
        yield path.read_text().splitlines()


@pytest.mark.faults
@pytest.mark.slow
def test_a_worker_that_is_asked_to_end_lets_its_run_save(command: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    long = [word.replace("checkpoint_every=1", "checkpoint_every=100000") for word in command]
    long[long.index("--iterations") + 1] = "200"
    sweep = start([*long, "--workers", "1"], 1)
    begun = time.monotonic()
    while not any(len(lines) > 40 for lines in _metrics(folder)) and time.monotonic() - begun < 120:
        time.sleep(0.2)
    (worker,) = [p for p in victims(sweep) if "spawn_main" in " ".join(psutil.Process(p).cmdline())]
    os.kill(worker, signal.SIGTERM)
    out, err = sweep.communicate()
    assert sweep.returncode == 0 and "1 done, 0 failed" in out, err
    (name,) = read_json(folder / "sweep.json")["runs"]
    assert steps(folder / name) == list(range(1, 201))
    log = (folder / "logs" / f"{name}.log").read_text()
    assert log.count("interrupted; continue with the same command") == 1
    resumed = [int(line.split("iteration ")[1].split()[0]) for line in log.splitlines() if ": iteration " in line]
    assert resumed[0] == 0 and resumed[-1] > 40, "nothing was lost, though no checkpoint was due"
