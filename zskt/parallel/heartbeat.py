"""A thread that notices within a minute that another process of the run is gone, whatever this one waits for.

A socket that closes tells at once that a process died; a machine without power, or a GPU that waits for another one,
tells nothing. Each rank counts in torchrun's store, and looks at what the others count.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from types import TracebackType
from typing import Any

from zskt.parallel.ranks import World, tell

BEAT_SECONDS, LOST_SECONDS, GRACE_SECONDS = 5.0, 40.0, 20.0
"""From one count to the next; without a count until a rank is given up; from SIGTERM until this process ends, in which
the main thread saves what it has, or finds out who is gone. torchrun kills after 30 s."""
GONE = b"gone"
"""What a rank leaves that has come to its end."""


class Heartbeat:
    """While entered, this process ends with one line and exit code 1 soon after another of its run has died.

    Args:
        store: a connection that nobody else uses.
        advice: what to do about it, the end of the line.
    """

    def __init__(self, store: Any, world: World, advice: str = "") -> None:
        self.store, self.world, self.advice = store, world, advice
        now = time.monotonic()
        self._heard: dict[int, tuple[bytes, float]] = {r: (b"", now) for r in range(world.size) if r != world.rank}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._main = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Heartbeat:
        # Python runs handlers in the main thread, which may be waiting in C for ever: the pipe wakes this one.
        self._inlet, self._outlet = os.pipe()
        os.set_blocking(self._outlet, False)
        if self._main:
            self._wakeup = signal.set_wakeup_fd(self._outlet, warn_on_full_buffer=False)
            self._handler = signal.signal(signal.SIGTERM, lambda *_: None)
        self._stopped = False
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped = True
        os.write(self._outlet, b"\0")
        self._thread.join()
        if self._main:
            signal.set_wakeup_fd(self._wakeup)
            signal.signal(signal.SIGTERM, self._handler)
        os.close(self._inlet)
        os.close(self._outlet)
        if kind is None:
            with contextlib.suppress(RuntimeError):
                self.store.set(self._key(self.world.rank), GONE.decode())

    def _key(self, rank: int) -> str:
        return f"beat/{rank}"

    def _watch(self) -> None:
        count, answered = 0, time.monotonic()
        while True:
            ready, _, _ = select.select([self._inlet], [], [], BEAT_SECONDS)
            if ready and signal.SIGTERM in os.read(self._inlet, 64):
                select.select([self._inlet], [], [], GRACE_SECONDS)
                self._end("stopped by SIGTERM, which torchrun sends when another process of the run has ended")
            if self._stopped:
                return
            count += 1
            with contextlib.suppress(RuntimeError):  # of a store that does not answer now
                self._beat(count)
                answered = time.monotonic()
            if time.monotonic() - answered > LOST_SECONDS:
                self._end(f"torchrun has not answered for {LOST_SECONDS:.0f} s")

    def _beat(self, count: int) -> None:
        """Count, and give up a rank that has not counted for long."""
        self.store.set(self._key(self.world.rank), str(count))
        now = time.monotonic()
        for rank, (last, when) in self._heard.items():
            latest = self.store.get(self._key(rank)) if self.store.check([self._key(rank)]) else b""
            if latest not in (last, GONE):
                self._heard[rank] = latest, now
            elif latest != GONE and now - when > LOST_SECONDS:
                self._end(f"rank {rank} of {self.world.size} has not been heard of for {LOST_SECONDS:.0f} s")

    def _end(self, what: str) -> Any:
        if self._stopped:  # the main thread is on its way out
            return
        tell(f"zskt: {what}{self.advice}", of_others=True)
        sys.stdout.flush()
        os._exit(1)
