"""What a worker does with a run: begins it, watches it, starts it again, and says why it failed."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from zskt.cluster.jobs import ATTEMPTS, Job, child_environment, last_step, work
from zskt.storage.folder_lock import FolderLock

distributed = pytest.importorskip("distributed")


class Status(Enum):
    running = "running"
    closing_gracefully = "closing_gracefully"


CHILD = """
import json, os, signal, sys, time
from pathlib import Path
folder = Path(sys.argv[sys.argv.index("--out") + 1])
folder.mkdir(exist_ok=True)
calls = folder.parent / "calls"
calls.write_text((calls.read_text() if calls.exists() else "") + " ".join(sys.argv[1:]) + "\\n")
count = calls.read_text().count("\\n")
(folder / "metrics.jsonl").write_text(json.dumps({"step": count}) + "\\n")
def done():
    (folder / "result.json").write_text("{}")
def save():
    (folder / "checkpoint.pt").write_text("")
    os.utime(folder / "checkpoint.pt", (count, count))
"""


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A worker, as a task sees it."""
    heard: list[tuple[str, dict[str, Any]]] = []
    stub = SimpleNamespace(
        name="3", status=Status.running, heard=heard, log_event=lambda topic, news: heard.append((topic, news))
    )
    monkeypatch.setattr(distributed, "get_worker", lambda: stub)
    monkeypatch.setattr("zskt.cluster.jobs.POLL_SECONDS", 0.05)
    monkeypatch.setattr("zskt.cluster.jobs.TELL_SECONDS", 0.0)
    return stub


def job(tmp_path: Path, code: str) -> Job:
    """A job whose child runs this after it has said that it was called."""
    script = tmp_path / "child.py"
    script.write_text(CHILD + code)
    return Job(
        name="run",
        folder=tmp_path / "run",
        arguments=("--mode", "zero-shot"),
        python=(sys.executable, str(script)),
        path="",
        cwd=str(tmp_path),
        log=tmp_path / "logs" / "run.log",
    )


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_a_run_that_ends_is_done_and_a_done_one_is_not_begun(tmp_path: Path, worker: Any) -> None:
    mine = job(tmp_path, "done(); time.sleep(0.3)")
    assert work(mine) == "" and work(mine) == ""
    assert calls(tmp_path) == [f"--mode zero-shot --out {tmp_path / 'run'}"]
    assert worker.heard[-1] == ("zskt", {"name": "run", "done": 1, "at": "3"})


def test_a_killed_run_goes_on_from_its_checkpoint(tmp_path: Path, worker: Any) -> None:
    code = "save()\nif count < 6: os.kill(os.getpid(), signal.SIGKILL)\ndone()"
    assert work(job(tmp_path, code)) == ""
    begun, *resumed = calls(tmp_path)
    assert "--resume" not in begun and len(resumed) == 5 and all(line.endswith("--resume") for line in resumed)


def test_a_run_that_is_killed_without_getting_further_has_failed(tmp_path: Path, worker: Any) -> None:
    why = work(job(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)"))
    assert why.startswith(f"killed by SIGKILL {ATTEMPTS} times at iteration {ATTEMPTS} (out of memory?)")
    assert len(calls(tmp_path)) == ATTEMPTS


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("print('zskt: --set x: unknown', file=sys.stderr)\nprint('bye')\nsys.exit(2)", "--set x: unknown"),
        ("raise ValueError('of three')", "ValueError: of three"),
        ("sys.exit(1)", "ended with exit code 1 and said nothing, see"),
    ],
)
def test_a_run_that_fails_is_named_and_not_repeated(tmp_path: Path, worker: Any, code: str, why: str) -> None:
    assert work(job(tmp_path, code)).startswith(why)
    assert len(calls(tmp_path)) == 1


def test_a_run_that_another_process_holds_is_waited_for(tmp_path: Path, worker: Any) -> None:
    code = "if count < 3: sys.exit(75)\ndone()"
    assert work(job(tmp_path, code)) == "" and len(calls(tmp_path)) == 3


def test_a_run_whose_predecessor_was_still_loading_goes_on_from_its_checkpoint(tmp_path: Path, worker: Any) -> None:
    code = "if count == 1:\n    (folder / 'config.json').write_text('{}'); save(); sys.exit(2)\ndone()"
    assert work(job(tmp_path, code)) == ""
    assert [line.endswith("--resume") for line in calls(tmp_path)] == [False, True]


def test_what_stopped_before_its_first_checkpoint_begins_anew(tmp_path: Path) -> None:
    mine = job(tmp_path, "")
    mine.folder.mkdir()
    (mine.folder / "config.json").write_text('{"files": {}}')
    assert "--resume" not in mine.command()
    assert [path.name for path in mine.folder.iterdir() if not path.name.startswith(".")] == []
    (mine.folder / "config.json").write_text("{}")
    (mine.folder / "checkpoint.pt").write_text("")
    with FolderLock(mine.folder):
        assert mine.command()[-1] == "--resume"
    assert (mine.folder / "config.json").is_file()


def test_a_worker_that_ends_lets_its_run_save_and_hands_it_back(tmp_path: Path, worker: Any) -> None:
    code = "signal.signal(signal.SIGINT, lambda *_: (save(), sys.exit(130)))\ntime.sleep(60)"
    mine = job(tmp_path, code)

    def close(topic: str, news: dict[str, Any]) -> None:
        worker.status = Status.closing_gracefully

    worker.log_event = close
    with pytest.raises(distributed.Reschedule):
        work(mine)
    assert (mine.folder / "checkpoint.pt").is_file() and not mine.is_done()


def test_children_have_threads_a_parent_and_the_gpu_of_their_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = replace(job(tmp_path, ""), threads=3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    values = child_environment(mine, "1")
    assert values["OMP_NUM_THREADS"] == values["MKL_NUM_THREADS"] == "3"
    assert values["ZSKT_PARENT"] == str(os.getpid()) and "CUDA_VISIBLE_DEVICES" not in values
    shared = replace(mine, gpus=2)
    assert [child_environment(shared, f"SLURMCluster-0-{i}")["CUDA_VISIBLE_DEVICES"] for i in range(3)] == list("010")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    assert [child_environment(shared, str(i))["CUDA_VISIBLE_DEVICES"] for i in range(2)] == ["4", "6"]


def test_the_last_whole_line_says_how_far_a_run_is(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert last_step(path) == 0
    path.write_text('{"step": 1}\n' * 5000 + '{"step": 7, "a": 1}\n{"step": 8, "a')
    assert last_step(path) == 7
