"""Times parts of a program from outside: functions are wrapped, and each moment counts for the innermost of them."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

REST = "rest"


class Stopwatch:
    """Seconds by name. A part that is entered stops the one around it, unless that one is sealed.

    Args:
        synchronize: waits until the device is done, so that its work counts where it was asked for.
    """

    def __init__(self, synchronize: Callable[[], None] = lambda: None) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._synchronize = synchronize
        self._parts, self._sealed = [REST], 0
        self._since = time.perf_counter()
        self._undo: list[Callable[[], object]] = []

    def _lap(self) -> None:
        self._synchronize()
        now = time.perf_counter()
        self.seconds[self._parts[-1]] += now - self._since
        self._since = now

    @contextmanager
    def part(self, name: str, *, sealed: bool = False) -> Iterator[None]:
        """Count what happens for ``name``; if it is sealed, so does what is inside of it."""
        if self._sealed:
            yield
            return
        self._lap()
        self._parts.append(name)
        self._sealed += sealed
        try:
            yield
        finally:
            self._lap()
            self._parts.pop()
            self._sealed -= sealed

    def wrap(self, owner: Any, function: str, name: str | Callable[[], str], *, sealed: bool = False) -> None:
        """Count a function of a module or class for ``name``, until `close`."""
        original = getattr(owner, function)

        @functools.wraps(original)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.part(name if isinstance(name, str) else name(), sealed=sealed):
                return original(*args, **kwargs)

        setattr(owner, function, timed)
        self._undo.append(lambda: setattr(owner, function, original))

    def on_close(self, undo: Callable[[], object]) -> None:
        """Remember what `close` must undo, too."""
        self._undo.append(undo)

    def restart(self) -> None:
        """Forget what was counted so far."""
        self._lap()
        self.seconds.clear()

    def stop(self) -> dict[str, float]:
        """Return the seconds of each part."""
        self._lap()
        return dict(self.seconds)

    def close(self) -> None:
        """Give all functions back as they were."""
        for undo in reversed(self._undo):
            undo()
        self._undo.clear()
