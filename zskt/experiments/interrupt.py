"""Ctrl-C, SIGTERM, or the end of the process that began this one, between iterations.

A checkpoint is of a whole iteration or of none.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PARENT = "ZSKT_PARENT"
"""Variable of the environment with the number of the process that a run must not outlive, set by `zskt.cluster`."""


class Interruption:
    """While entered, the first signal asks the loop to stop after its iteration; a second one stops at once.

    Signals are Ctrl-C and SIGTERM, which batch systems send before they take a machine away.
    """

    def __init__(self) -> None:
        self._signalled = False
        self._parent = int(os.environ.get(PARENT, 0))

    @property
    def requested(self) -> bool:
        """Whether the loop is to stop: asked by a signal, or its worker is gone and somebody else will go on."""
        return self._signalled or (self._parent != 0 and os.getppid() != self._parent)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._signalled:
            raise KeyboardInterrupt
        self._signalled = True

    def __enter__(self) -> Interruption:
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:  # Python delivers signals to the main thread alone
            self._previous = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        if self._main:
            for number, previous in self._previous.items():
                signal.signal(number, previous)
