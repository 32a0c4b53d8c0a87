"""Ctrl-C between turns: a checkpoint is of a whole turn or of none."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Interruption:
    """While entered, the first Ctrl-C is noted for the loop to stop after its turn; a second one stops at once."""

    def __init__(self) -> None:
        self.asked = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __enter__(self) -> Interruption:
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:  # Python delivers signals to the main thread alone
            self._previous = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._main:
            signal.signal(signal.SIGINT, self._previous)
