"""The command line on several processes, started as torchrun starts them: one writes and prints, all end together."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

RUN = ("--mode", "zero-shot", "--preset", "mnist-lenet5-to-lenet5-half", "--device", "cpu", "--set", "batch_size=16",
       "--set", "student_steps=2", "--set", "evaluate_every=0")  # fmt: skip


def begin(*arguments: object, size: int = 2, cwd: Path) -> list[subprocess.Popen[str]]:
    """``zskt`` on each of so many ranks."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    processes = []
    for rank in range(size):
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        environment = os.environ | {name: str(value) for name, value in place.items()} | {"OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(ROOT / "train.py"), *map(str, arguments)]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, env=environment, cwd=cwd, stdout=pipe, stderr=pipe, text=True)
        processes.append(process)
    return processes


def end(processes: list[subprocess.Popen[str]], timeout: float = 100) -> list[tuple[int, str, str]]:
    """Exit code, output and errors of each."""
    answers = []
    for process in processes:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            for other in processes:
                other.kill()
            raise
        answers.append((process.returncode, out, err))
    return answers


def of_zskt(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("zskt:")]


def wait_for(path: Path, lines: int = 1, seconds: float = 100) -> None:
    stop = time.monotonic() + seconds
    while not path.exists() or len(path.read_text().splitlines()) < lines:
        assert time.monotonic() < stop, f"{path} does not come"
        time.sleep(0.1)


def test_rank_0_writes_and_prints_and_one_process_goes_on(digits: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = (*RUN, "--data", digits, "--iterations", 3, "--out", run)
    first, second = end(begin(*arguments, cwd=tmp_path))
    assert first[0] == second[0] == 0, (first, second)
    assert "run: " in first[1] and second[1:] == ("", "")
    result: dict[str, Any] = json.loads((run / "result.json").read_text())
    assert result["teacher_queries"] == 3 * 2 * 16 and result["data"]["count"] == 40
    assert json.loads((run / "environment.json").read_text())["processes"] == 2
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 3
    assert len(list(run.glob("events*"))) == 1
    (code, _, err), = end(begin(*arguments, "--resume", size=1, cwd=tmp_path))  # fmt: skip
    assert code == 0, err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            (*RUN, "--set", "batch_size=15"),
            "zskt: batch_size: 15 cannot be shared out among 2 processes; take 14 or 16",
        ),
        (("--mode", "tables"), "zskt: --mode tables is the work of one process: start it without torchrun"),
        (("--mode", "zero-shot", "--preset", "nope"), "zskt: unknown preset 'nope'"),
        (("--mode", "nope"), "zskt: unknown --mode 'nope'"),
    ],
)
def test_a_mistake_is_told_once(arguments: tuple[str, ...], line: str, digits: Path, tmp_path: Path) -> None:
    data = ("--data", digits) if "zero-shot" in arguments else ()
    answers = end(begin(*arguments, *data, cwd=tmp_path))
    lines = "".join(err for _, _, err in answers).splitlines()
    assert len(lines) == 1 and lines[0].startswith(line), answers
    assert [code for code, _, _ in answers].count(2) >= 1 and all(code for code, _, _ in answers)
    assert not (tmp_path / "runs").exists()


@pytest.mark.faults
@pytest.mark.parametrize("dead", [0, 1])
def test_a_dead_process_ends_the_other_and_the_run_goes_on_from_its_checkpoint(
    dead: int, digits: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    arguments = (*RUN, "--data", digits, "--iterations", 100_000, "--set", "checkpoint_every=2", "--out", run)
    processes = begin(*arguments, cwd=tmp_path)
    wait_for(run / "metrics.jsonl", 5)
    processes[dead].kill()
    began = time.monotonic()
    answers = end(processes)
    assert time.monotonic() - began < 60
    code, _, err = answers[1 - dead]
    assert code == 1, err
    advice = f"continue with the same command and --resume --out {run}"
    assert of_zskt(err) == [f"zskt: another of the 2 processes of this run has ended; {advice}"]
    processes = begin(*arguments, "--resume", cwd=tmp_path)
    steps = len((run / "metrics.jsonl").read_text().splitlines())
    wait_for(run / "metrics.jsonl", steps + 5)
    for process in processes:  # as torchrun passes Ctrl-C on, or a batch system's SIGTERM
        process.send_signal(signal.SIGTERM)
    answers = end(processes)
    assert [code for code, _, _ in answers] == [143, 143], answers
    lines = [told for _, _, err in answers for told in of_zskt(err)]
    assert lines == [f"zskt: interrupted by SIGTERM; {advice}"]


@pytest.mark.faults
def test_torchrun_itself(digits: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, str(ROOT / "train.py"), *RUN, "--data", str(digits), "--iterations", "2", "--out", str(run)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("run: ") == 1 and (run / "result.json").exists()
