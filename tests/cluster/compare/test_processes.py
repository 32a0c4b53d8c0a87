"""How long a trial of a comparison may take."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from zskt.cluster.compare.processes import _ends_in_time


def python(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code])


def test_what_waits_for_the_processor_is_not_ended_by_the_clock() -> None:
    child = python("import time; time.sleep(1.5)")  # as on a machine that is busy with others
    assert _ends_in_time(child, 0.5) and child.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the processor time of a process that runs")
def test_what_has_used_its_processor_time_is_ended() -> None:
    child = python("while True: pass")
    begun = time.monotonic()
    assert not _ends_in_time(child, 0.5) and child.returncode != 0
    assert time.monotonic() - begun < 60


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the processor time of a process that runs")
def test_what_has_worked_on_several_processors_took_too_long_and_did_not_die() -> None:
    burn = "hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)"  # without the interpreter's lock
    child = python(f"import hashlib, threading; [threading.Thread(target=lambda: {burn}).start() for _ in range(4)]")
    assert not _ends_in_time(child, 3.0) and child.returncode == -signal.SIGXCPU


def test_what_stands_still_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zskt.cluster.compare.processes.STANDSTILL", 2.0)
    child = python("import time; time.sleep(600)")
    assert not _ends_in_time(child, 0.3) and child.returncode != 0
