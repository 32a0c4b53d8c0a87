"""Ctrl-C between iterations: a checkpoint is of a whole iteration or of none."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Interruption:
    """While entered, the first Ctrl-C asks the loop to stop after its iteration; a second one stops at once."""

    def __init__(self) -> None:
        self.requested = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def __enter__(self) -> Interruption:
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:  # Python delivers signals to the main thread alone
            self._previous = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._main:
            signal.signal(signal.SIGINT, self._previous)
