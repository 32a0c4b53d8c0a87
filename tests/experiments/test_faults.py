"""Runs that are killed, signalled, left without room, or begun twice: all end as if nothing had happened.

Kills at named moments, such as between writing a file and its rename, are one after another all that there are. Kills
at random moments are ``ZSKT_KILLS`` (12), half of them followed by one of the resumed run.
"""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import ROOT
from tests.teachers.plain_networks import Rows, write

KILLS = int(os.environ.get("ZSKT_KILLS", 12))
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "ZSKT_TRUST_TEACHER": "1"}
Count = Callable[[str], None]
pytestmark = pytest.mark.faults


class Runs:
    """Short runs of one recipe below a folder, in children of a process that has imported everything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        network = write(Rows(3), torch.rand(2, 3), folder / "net.pt")
        (folder / "inputs.yaml").write_text("features: [{name: a, low: 0, high: 1}, {name: b}, {name: c, low: -1}]")
        self.recipe = [
            *("--mode", "zero-shot", "--preset", "vectors", "--teacher-path", str(network), "--device", "cpu"),
            *("--inputs", str(folder / "inputs.yaml"), "--student-steps", "1", "--batch-size", "8"),
            *("--set", "checkpoint_every=1", "--set", "evaluate_every=0", "--iterations"),
        ]
        (folder / "runs").mkdir()
        command = [sys.executable, str(Path(__file__).with_name("killed_runs.py")), str(folder / "runs")]
        pipe = subprocess.PIPE
        self.parent = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=ENVIRONMENT)
        self.run("first")  # all that comes after has its imports
        self.reference = self.run("reference")
        assert self.reference["code"] == 0, self.reference
        self.student = self.student_of("reference")

    def run(self, name: str, *more: str, **killed: Any) -> dict[str, Any]:
        """A run of three iterations, killed as `tests.experiments.killed_runs` has it; how it ended."""
        arguments = [*self.recipe, "3", "--out", str(self.folder / "runs" / name), *more]
        assert self.parent.stdin is not None and self.parent.stdout is not None
        self.parent.stdin.write(json.dumps({"arguments": arguments} | killed) + "\n")
        self.parent.stdin.flush()
        reply: dict[str, Any] = json.loads(self.parent.stdout.readline())
        return reply

    def student_of(self, name: str) -> bytes:
        return (self.folder / "runs" / name / "student.safetensors").read_bytes()

    def ends_the_same(self, name: str, resume: str = "auto") -> bool:
        """Whether the same command with ``--resume`` ends with the same student, and each iteration logged once."""
        reply = self.run(name, "--resume", resume)
        assert reply["code"] == 0, reply["said"]
        lines = (self.folder / "runs" / name / "metrics.jsonl").read_text().splitlines()
        return self.student_of(name) == self.student and [json.loads(line)["step"] for line in lines] == [1, 2, 3]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    made = Runs(tmp_path_factory.mktemp("killed"))
    yield made
    assert made.parent.stdin is not None
    made.parent.stdin.close()
    made.parent.wait(30)


def test_killed_before_each_touch_of_a_file(runs: Runs, count_faults: Count) -> None:
    touches = runs.reference["touches"]
    assert {"os.rename checkpoint.tmp", "os.link checkpoint.pt", "os.rename result.tmp"} <= set(touches)
    same = 0
    for event, touch in enumerate(touches):
        last = [touch, touches[:event].count(touch)]
        assert runs.run(f"event-{event}", touch=last)["code"] == -signal.SIGKILL, last
        same += runs.ends_the_same(f"event-{event}")
    count_faults(f"kill -9 before each touch of a file of a run: {same} of {len(touches)} bit-identical")
    assert same == len(touches)


def test_killed_in_the_middle_of_writing_a_checkpoint(runs: Runs, count_faults: Count) -> None:
    pieces, same = range(1, 100, 9), 0
    for piece in pieces:
        assert runs.run(f"piece-{piece}", write=piece)["code"] == -signal.SIGKILL
        same += runs.ends_the_same(f"piece-{piece}")
    count_faults(f"kill -9 while a checkpoint is half written: {same} of {len(pieces)} bit-identical")
    assert same == len(pieces)


def test_killed_at_random_moments(runs: Runs, count_faults: Count) -> None:
    chance, same = random.Random(0), 0
    for number in range(KILLS):
        runs.run(f"random-{number}", seconds=chance.uniform(0, runs.reference["seconds"]))
        if number % 2:
            runs.run(f"random-{number}", "--resume", "auto", seconds=chance.uniform(0, runs.reference["seconds"]))
        same += runs.ends_the_same(f"random-{number}")
    count_faults(f"kill -9 at random moments: {same} of {KILLS} bit-identical")
    assert same == KILLS


def test_what_has_recorded_itself_goes_on_by_resume_alone(runs: Runs) -> None:
    touches = runs.reference["touches"]
    for touch in ("open checkpoint.tmp", "os.rename checkpoint.tmp", "open student.tmp"):
        event = touches.index(touch)
        runs.run(f"resume-{event}", event=event)
        assert runs.ends_the_same(f"resume-{event}", "run"), touch


@pytest.mark.parametrize(
    "name", ["checkpoint.tmp", "metrics.jsonl", "events", "student.tmp", "result.tmp", "config.tmp"]
)
def test_a_full_disk_is_told_in_one_line_and_the_run_goes_on(runs: Runs, name: str, count_faults: Count) -> None:
    out = f"full-{name}"
    reply = runs.run(out, full=name)
    lines = [line for line in reply["said"].splitlines() if line.startswith("zskt:") and "not judged" not in line]
    assert reply["code"] == 2 and "Traceback" not in reply["said"], reply
    assert len(lines) == 1 and f"{os.strerror(errno.ENOSPC)}; mend that; " in lines[0], lines
    assert name.partition(".")[0] in lines[0] and "None" not in lines[0]
    assert not list((runs.folder / "runs" / out).glob("*.tmp"))
    assert runs.ends_the_same(out)
    count_faults(f"full disk, {name}: one line, resumed bit-identical")


def test_a_file_that_may_not_grow(runs: Runs) -> None:
    reply = runs.run("limit", limit=50_000)
    assert (
        reply["code"] == 2
        and f"checkpoint.pt: {os.strerror(errno.EFBIG)}; mend that; nothing was begun" in reply["said"]
    )
    assert runs.ends_the_same("limit")


def begin(runs: Runs, out: Path, *more: str) -> subprocess.Popen[str]:
    """A long run in a process of its own."""
    command = [sys.executable, str(ROOT / "train.py"), *runs.recipe, "100000", "--out", str(out), *more]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT)


def wait_for(process: subprocess.Popen[str], path: Path) -> None:
    begun = time.monotonic()
    while not (path.exists() and path.stat().st_size):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - begun < 100
        time.sleep(0.05)


def told(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.startswith("zskt:") and "not judged" not in line]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP"])
def test_a_signal_saves_and_says_how_to_go_on(runs: Runs, tmp_path: Path, name: str, count_faults: Count) -> None:
    number, out = signal.Signals[name], tmp_path / "my run"
    process = begin(runs, out, "--set", "checkpoint_every=100000")
    wait_for(process, out / "metrics.jsonl")
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    what = "interrupted" if name == "SIGINT" else f"interrupted by {name}"
    assert told(err) == [f"zskt: {what}; continue with the same command and --resume --out '{out}'"]
    assert process.returncode == 128 + number and "Traceback" not in err
    done = len((out / "metrics.jsonl").read_text().splitlines())
    assert done and torch.load(out / "checkpoint.pt", weights_only=True)["step"] == done
    assert not (out / ".lock.json").exists()
    count_faults(f"{name} in the loop: saved, exit code {process.returncode}")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_while_it_imports(runs: Runs, tmp_path: Path, name: str, count_faults: Count) -> None:
    number, moments = signal.Signals[name], (0.5, 1.0, 1.5, 2.0)
    for seconds in moments:
        process = begin(runs, tmp_path / "run")
        time.sleep(seconds)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        assert process.returncode in (128 + number, -number), err  # the latter before the first line of ours
        assert "Traceback" not in err and len(told(err)) <= 1, err
    count_faults(f"{name} during imports: {len(moments)} of {len(moments)} without a traceback")


def test_two_processes_and_one_folder(runs: Runs, tmp_path: Path, count_faults: Count) -> None:
    out = tmp_path / "run"
    first = begin(runs, out)
    wait_for(first, out / "metrics.jsonl")
    for more in ((), ("--resume",), ("--resume", "auto")):
        second = begin(runs, out, *more)
        _, err = second.communicate(timeout=100)
        who = f"process {first.pid} on {socket.gethostname()} is at work there"
        assert second.returncode == 75 and len(told(err)) == 1 and who in err, err
    first.kill()
    first.communicate()
    steps = [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()[:-1]]
    assert steps == list(range(1, len(steps) + 1)), "nobody else has written there"
    third = begin(runs, out, "--resume")
    time.sleep(0.1)
    size = (out / "metrics.jsonl").stat().st_size
    while third.poll() is None and (out / "metrics.jsonl").stat().st_size <= size + 2000:
        time.sleep(0.05)
    third.send_signal(signal.SIGTERM)
    _, err = third.communicate(timeout=60)
    assert third.returncode == 143, err
    steps = [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert steps == list(range(1, len(steps) + 1))
    count_faults("two processes, one folder: 3 of 3 refused, a dead one's lock taken over")
