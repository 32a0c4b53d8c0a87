"""Ctrl-C between iterations."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from zskt.experiments.interrupt import Interruption


def test_the_first_asks_and_the_second_stops_at_once() -> None:
    with Interruption() as interruption:
        assert not interruption.requested
        signal.raise_signal(signal.SIGINT)
        assert interruption.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_batch_system_asks_by_sigterm() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGTERM)
        assert interruption.requested
    assert signal.getsignal(signal.SIGTERM) == before


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
    assert seen == [(False, before)]
