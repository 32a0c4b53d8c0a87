"""A process that falls silent, as one of a machine without power, ends the others."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from torch.distributed import HashStore  # type: ignore[attr-defined]

from tests.conftest import ROOT
from zskt.parallel.heartbeat import GONE, Heartbeat
from zskt.parallel.ranks import World

SILENT = """
import sys, time
from torch.distributed import HashStore
import zskt.parallel.heartbeat as heartbeat
from zskt.parallel.ranks import World, join
heartbeat.BEAT_SECONDS, heartbeat.LOST_SECONDS = 0.1, 1.0
store = HashStore()
join(World(0, 2), lambda: True)
print("watching", flush=True)
with heartbeat.Heartbeat(store, World(0, 2), "; go on"):
    for i in range(int(sys.argv[1])):
        store.set("beat/1", str(i))
        time.sleep(0.2)
    if sys.argv[2] == "gone":
        store.set("beat/1", heartbeat.GONE.decode())
    time.sleep(4)
print("left")
"""


def watched(beats: int, last: str, **more: object) -> tuple[int, str, str, float]:
    began = time.monotonic()
    command = [sys.executable, "-c", SILENT, str(beats), last]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    return done.returncode, done.stdout, done.stderr, time.monotonic() - began


def test_a_silent_rank_ends_this_one_and_one_that_has_left_does_not() -> None:
    code, out, err, _ = watched(10, "silent")
    assert code == 1 and out == "watching\n"
    assert err.splitlines()[-1] == "zskt: rank 1 of 2 has not been heard of for 1 s; go on"
    code, out, err, _ = watched(2, "gone")
    assert code == 0 and out == "watching\nleft\n", err


def test_leaving_says_so_unless_there_was_an_error() -> None:
    store = HashStore()
    with Heartbeat(store, World(0, 2)):
        pass
    assert store.get("beat/0") == GONE
    with pytest.raises(ValueError, match="broken"), Heartbeat(store, World(1, 2)):
        raise ValueError("broken")
    assert not store.check(["beat/1"]) or store.get("beat/1") != GONE
