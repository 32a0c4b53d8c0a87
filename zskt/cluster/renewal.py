"""Workers that have ended are started again: jobs whose time is over, or that were killed together with their nanny.

Dask's nannies restart a worker that dies, as long as they live and the new one does not die at once. Neither
``scale`` nor ``adapt`` of a cluster starts more than were asked for, and both count those that are gone.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

LOOK_SECONDS, LOST_SECONDS = 2.0, 20.0
"""Seconds between looks, and for which a worker must be gone; its nanny may bring it back before."""
MOST_LOST_SECONDS = 300.0
"""A worker that does not come back is given twice the time after each start, up to this: a busy machine is slow."""


class Renewal:
    """Starts the workers of a cluster again that were there and are gone.

    Args:
        cluster: a `distributed.SpecCluster`. Each of its entries is a worker, or a job of several.
        queues: whether its workers may wait in a queue: what has not been seen since it was started may wait there,
            and is not gone. Where there is no queue, a worker that dies before anybody has seen it is gone, too.
    """

    def __init__(self, cluster: Any, *, queues: bool) -> None:
        self.cluster, self.queues = cluster, queues
        self._seen: set[Any] = set()
        self._gone: dict[Any, float] = {}
        self._patience: dict[Any, float] = {}

    def look(self) -> list[Any]:
        """Start again what has been gone for long enough, and return the names of it."""
        alive = {str(worker["name"]) for worker in self.cluster.scheduler_info["workers"].values()}
        here = {name for name in self.cluster.worker_spec if _is_alive(str(name), alive)}
        self._seen |= here if self.queues else set(self.cluster.worker_spec)
        self._patience = {name: seconds for name, seconds in self._patience.items() if name not in here}
        now = time.monotonic()
        self._gone = {name: self._gone.get(name, now) for name in self._seen - here if name in self.cluster.worker_spec}
        lost = [name for name, since in self._gone.items() if now - since > self._patience.get(name, LOST_SECONDS)]
        if lost:
            self.cluster.sync(self._forget, lost)
            for name in lost:
                self._seen.discard(name)
                del self._gone[name]
                self._patience[name] = min(2 * self._patience.get(name, LOST_SECONDS), MOST_LOST_SECONDS)
        return lost

    async def _forget(self, lost: list[Any]) -> None:
        from distributed import Status

        for name in lost:
            worker = self.cluster.workers.pop(name, None)
            if worker is not None:
                with contextlib.suppress(Exception):  # a job that has ended cannot be cancelled
                    await worker.close()
                worker.status = Status.closed
        self.cluster.loop.add_callback(self.cluster._correct_state)  # opens each entry that has no worker


def _is_alive(name: str, alive: set[str]) -> bool:
    """Whether one of the workers of an entry is there: "name", or "name-0" and so on of a job of several."""
    return name in alive or any(other.startswith(f"{name}-") for other in alive)


@contextlib.contextmanager
def renewed(cluster: Any, *, queues: bool) -> Iterator[None]:
    """While entered, look after the workers of a cluster now and then, see `Renewal`."""
    ended, renewal = threading.Event(), Renewal(cluster, queues=queues)

    renewal.look()

    def watch() -> None:
        while not ended.wait(LOOK_SECONDS):
            with contextlib.suppress(Exception):  # the next look finds what this one could not
                renewal.look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(LOST_SECONDS)
