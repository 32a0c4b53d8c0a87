"""The side that hands out work: submits jobs to Dask, hears from the workers, and keeps the table of states."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping
from typing import Any

from zskt.cluster.engines import SLOT
from zskt.cluster.jobs import TOPIC, work
from zskt.cluster.states import Board, Phase

SHOW_SECONDS, PROGRESS_SECONDS = 2.0, 30.0
"""Seconds between looks at the table, and between rows that only got further."""


def conduct(
    client: Any,
    jobs: Mapping[str, Any],
    board: Board,
    needs: Mapping[str, str],
    finished: Callable[[str], None],
    *,
    at_once: int,
    has_slots: bool,
) -> None:
    """Have all jobs done that wait, each once the one that it needs is done.

    Args:
        client: a `distributed.Client`.
        jobs: by name, as `zskt.cluster.jobs.Job`.
        needs: name of a job -> name of the one that comes first.
        finished: is told the name of a job whose result is there, and completes its state.
        at_once: jobs that Dask is given at a time. It blames all tasks that a dead worker was given, begun or not: one
            for each worker keeps the blame where it belongs.
        has_slots: whether the workers have the resource `SLOT`.
    """
    heard: queue.Queue[tuple[str, Any]] = queue.Queue()
    client.subscribe_topic(TOPIC, lambda event: heard.put(("told", event[1])))
    open_jobs = {name for name in jobs if board.states[name].phase == Phase.WAITING}
    futures: dict[str, Any] = {}
    resources = {SLOT: 1} if has_slots else None
    clock = _Clock()
    while open_jobs:
        for name in [name for name in jobs if name in open_jobs and name not in futures]:
            if len(open_jobs & set(futures)) >= at_once:
                break
            first = board.states.get(needs.get(name, ""))
            if first is not None and first.phase == Phase.FAILED:
                _fail(board, name, f"needs {needs[name]}, which failed")
                open_jobs.discard(name)
            elif first is None or first.phase == Phase.DONE:
                futures[name] = client.submit(
                    work, jobs[name], key=f"{name}-{time.time_ns()}", pure=False, resources=resources
                )
                futures[name].add_done_callback(lambda future, name=name: heard.put((name, future)))
        for name, news in _drain(heard):
            if name == "told":
                _advance(board, news)
            elif name in open_jobs:
                open_jobs.discard(name)
                _conclude(board, name, news, finished)
        board.show(progress=clock.is_time())
    board.keep()


class _Clock:
    """Tells now and then that it is time for rows that only got further."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def is_time(self) -> bool:
        if time.monotonic() - self.last < PROGRESS_SECONDS:
            return False
        self.last = time.monotonic()
        return True


def _drain(heard: queue.Queue[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Take all that was heard, and wait a little for the first of it."""
    news: list[tuple[str, Any]] = []
    try:
        news.append(heard.get(timeout=SHOW_SECONDS))
        while True:
            news.append(heard.get_nowait())
    except queue.Empty:
        return news


def _advance(board: Board, news: Mapping[str, Any]) -> None:
    state = board.states.get(str(news.get("name")))
    if state is not None and state.phase in (Phase.WAITING, Phase.RUNNING):
        state.phase, state.done, state.worker = Phase.RUNNING, int(news["done"]), str(news["at"])


def _conclude(board: Board, name: str, future: Any, finished: Callable[[str], None]) -> None:
    """Complete the state of a job whose task has ended."""
    try:
        why = future.result()
    except Exception as error:  # of Dask: the workers under it died again and again
        why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    if why:
        _fail(board, name, why)
        return
    board.states[name].phase = Phase.DONE
    board.states[name].done = board.states[name].total
    finished(name)


def _fail(board: Board, name: str, why: str) -> None:
    board.states[name].phase, board.states[name].why = Phase.FAILED, why
