"""Signals: noted in the loop of a run, final elsewhere, an exception for what looks after others."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from zskt.experiments import interrupt
from zskt.experiments.interrupt import (
    SIGNALS,
    Interrupted,
    Interruption,
    as_command,
    exit_code,
    handled,
    how_to_go_on,
    working_in,
)
from zskt.storage.run_files import CHECKPOINT, LOCK_OWNER, previous_of


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_asks_and_the_second_stops_at_once(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before, ended = signal.getsignal(number), []
    monkeypatch.setattr(interrupt, "end_at_once", ended.append)
    with as_command(), Interruption() as interruption:
        assert not interruption.requested
        signal.raise_signal(number)
        assert interruption.requested == number and not ended
        signal.raise_signal(number)
        assert ended == [number]
    assert signal.getsignal(number) == before


def test_a_second_one_leaves_the_kernel_of_a_notebook_alone() -> None:
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.requested == signal.SIGINT
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)


def test_nohup_stays_deaf_to_a_closed_terminal() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            signal.raise_signal(signal.SIGHUP)
            assert not interruption.requested
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_looks_after_others_is_unwound() -> None:
    def raises(number: int) -> None:
        raise Interrupted(number)

    with pytest.raises(KeyboardInterrupt) as caught, handled(raises):
        signal.raise_signal(signal.SIGTERM)
    assert isinstance(caught.value, Interrupted) and exit_code(caught.value.number) == 143


def test_the_advice_is_what_a_shell_takes(tmp_path: Path) -> None:
    folder = tmp_path / "my run"
    folder.mkdir()
    assert how_to_go_on(None) == how_to_go_on(folder) == "nothing was begun yet; start the same command again"
    previous_of(folder / CHECKPOINT).touch()
    assert how_to_go_on(folder) == f"continue with the same command and --resume --out '{folder}'"


def test_last_words_name_the_run_and_free_its_folder(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).touch()
    (tmp_path / LOCK_OWNER).touch()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(tmp_path / "said", os.O_WRONLY | os.O_CREAT), 2)
        with working_in(tmp_path):
            interrupt.end_at_once(signal.SIGUSR1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + signal.SIGUSR1
    said = (tmp_path / "said").read_text()
    assert said == f"zskt: interrupted by SIGUSR1; continue with the same command and --resume --out {tmp_path}\n"
    assert not (tmp_path / LOCK_OWNER).exists()


CLOSED = """
import sys, time
from zskt.experiments.interrupt import Interruption
with Interruption() as interruption:
    print("ready", flush=True)
    while not interruption.requested:
        time.sleep(0.01)
    print("into nowhere, without an error", flush=True)
open(sys.argv[1], "w").write(str(interruption.requested))
"""


def test_a_run_outlives_its_terminal_until_it_has_saved(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", f"import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n{CLOSED}"]
    process = subprocess.Popen(
        [*command, str(tmp_path / "end")], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    assert os.read(ours, 5) == b"ready"
    os.close(ours)
    assert process.wait(60) == 0
    assert (tmp_path / "end").read_text() == str(int(signal.SIGHUP))


def test_a_run_does_not_outlive_the_worker_that_began_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZSKT_PARENT", str(os.getppid()))
    with Interruption() as interruption:
        assert not interruption.requested
        monkeypatch.setattr(os, "getppid", lambda: 1)
        assert interruption.requested


def test_afterwards_ctrl_c_does_what_it_did() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
    with pytest.raises(ValueError, match="mine"), Interruption():
        raise ValueError("mine")
    assert signal.getsignal(signal.SIGINT) == before


def test_other_threads_run_without_it() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with Interruption() as interruption:
            seen.append((interruption.requested, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(0, before)]
