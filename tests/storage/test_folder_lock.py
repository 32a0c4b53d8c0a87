"""The lock of a run folder: one process at a time, whoever dies, on this machine or another."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zskt.errors import FolderInUse, UserError
from zskt.storage.folder_lock import STALE_SECONDS, FolderLock, filling, owner, require_new_or_free
from zskt.storage.run_files import LOCK_OWNER, require_new

HOLD = """
import sys, time
from pathlib import Path
from zskt.storage.folder_lock import FolderLock
with FolderLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process that holds the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_a_run_that_would_begin_is_told_who_is_there_and_then_that_the_folder_is_not_empty(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    require_new_or_free(tmp_path)  # nothing is there yet
    (tmp_path / "metrics.jsonl").write_text("{}")
    with pytest.raises(FolderInUse, match=f"process {holder.pid} on .* is at work there"):
        require_new_or_free(tmp_path)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    left = (tmp_path / ".lock.json").read_text()
    with pytest.raises(UserError, match="the folder is not empty"):
        require_new_or_free(tmp_path)
    assert (tmp_path / ".lock.json").read_text() == left


def test_a_second_process_is_told_who_is_there(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    who = f"process {holder.pid} on {socket.gethostname()} is at work there; wait for it"
    with pytest.raises(FolderInUse, match=who), FolderLock(tmp_path):
        raise AssertionError("entered")
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert owner(tmp_path)["pid"] == holder.pid, "it could not tidy up"
    with FolderLock(tmp_path):
        assert owner(tmp_path) == {"host": socket.gethostname(), "pid": os.getpid()}
    assert owner(tmp_path) == {}


def test_a_lock_of_another_machine_is_taken_over_once_it_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / LOCK_OWNER
    path.write_text(json.dumps({"host": "elsewhere", "pid": 7}))
    with pytest.raises(FolderInUse, match="process 7 on elsewhere"), FolderLock(tmp_path):
        raise AssertionError("entered")
    before = time.time() - STALE_SECONDS - 1
    os.utime(path, (before, before))
    with FolderLock(tmp_path):
        assert owner(tmp_path)["pid"] == os.getpid()


def test_a_holder_tells_that_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zskt.storage.folder_lock.HEARTBEAT_SECONDS", 0.01)
    with FolderLock(tmp_path):
        os.utime(tmp_path / LOCK_OWNER, (0, 0))
        begun = time.monotonic()
        while (tmp_path / LOCK_OWNER).stat().st_mtime == 0:
            assert time.monotonic() - begun < 10


def test_a_folder_that_was_only_held_is_new(tmp_path: Path) -> None:
    with FolderLock(tmp_path):
        require_new(tmp_path)
    require_new(tmp_path)


def test_a_folder_is_filled_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    with pytest.raises(FileNotFoundError), filling(out) as folder:
        (folder / "a" / "b").mkdir()
    assert list((tmp_path / "new").iterdir()) == []
    left = tmp_path / "new" / ".out.tmp"  # as a process that was killed leaves it
    (left / "deep").mkdir(parents=True)
    (left / "deep" / "b").write_text("of yesterday")
    (left / "c").write_text("of yesterday")
    out.mkdir()
    with filling(out) as folder:
        assert [path.name for path in folder.iterdir() if not path.name.startswith(".lock")] == []
        (folder / "a").write_text("whole")
        with pytest.raises(FolderInUse, match="at work there"), filling(out):
            pass
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]
    assert [path.name for path in out.iterdir()] == ["a"]
