"""What a benchmark is given: a device, the seconds that it may take, and a clock that times jobs in turns."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

MIN_SECONDS = 0.01
"""Duration of one measurement: shorter jobs are repeated until it is over."""
MAX_ROUNDS = 25
"""Rounds in which all jobs take turns, at most."""

Job = Callable[[], object]


class Skipped(Exception):
    """A benchmark cannot run here; the message says why, in one line."""


@dataclass(frozen=True)
class Times:
    """Seconds of a call of each job, one entry a round: entries of a round were measured one after the other."""

    seconds: dict[str, list[float]]

    def median(self, job: str) -> float:
        """Return the median seconds of a job."""
        return statistics.median(self.seconds[job])

    def ratio(self, slow: str, fast: str) -> dict[str, Any]:
        """Return how many times longer ``slow`` takes than ``fast``: the median of the rounds' ratios, and quartiles.

        Both sides of a ratio are of one round, so that whatever else the machine does weighs on both.
        """
        return spread([a / b for a, b in zip(self.seconds[slow], self.seconds[fast], strict=True)])

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Return median and quartiles of each job, in seconds."""
        return {job: spread(values) for job, values in self.seconds.items()}


def spread(values: list[float]) -> dict[str, Any]:
    """Return the median of some values, their quartiles, and how many they are."""
    quartiles = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return {"median": statistics.median(values), "quartiles": [quartiles[0], quartiles[2]], "rounds": len(values)}


def at_most(wanted: float, reached: float) -> dict[str, Any]:
    """Return a target that is met by small values."""
    return {"wanted": f"<= {wanted:g}", "reached": reached, "met": reached <= wanted}


def at_least(wanted: float, reached: float) -> dict[str, Any]:
    """Return a target that is met by large values."""
    return {"wanted": f">= {wanted:g}", "reached": reached, "met": reached >= wanted}


@dataclass
class Bench:
    """The context of one benchmark."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    seconds: float = 60.0
    """What it may take in all; it chooses its sizes accordingly."""
    sizes: Mapping[str, str] = field(default_factory=dict)
    """Sizes that the user set, by name."""
    begun: float = field(default_factory=lambda: time.perf_counter())

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.seconds - (time.perf_counter() - self.begun)

    @property
    def threads(self) -> int:
        """Number of threads in which an operator computes on the CPU."""
        return torch.get_num_threads()

    def size(self, name: str, default: int) -> int:
        """Return a size: what the user set, or the default."""
        return int(self.sizes.get(name, default))

    def text(self, name: str, default: str = "") -> str:
        """Return a setting that is no number, such as the path of a file."""
        return self.sizes.get(name, default)

    def synchronize(self) -> None:
        """Wait until the device has done all that it was told."""
        if self.device.type == "cuda" and not torch.cuda.is_current_stream_capturing():
            torch.cuda.synchronize(self.device)

    @property
    def clock(self) -> str:
        """What seconds are: those on the wall or, where one thread does all, those that the processor gave to it.

        The latter are the same whatever else the machine does, but for its caches.
        """
        return "processor" if self.device.type == "cpu" and self.threads == 1 else "wall"

    def call(self, job: Job, times: int = 1) -> float:
        """Return the seconds of so many calls, up to the moment when the device is done."""
        now = time.process_time if self.clock == "processor" else time.perf_counter
        self.synchronize()
        begin = now()
        for _ in range(times):
            job()
        self.synchronize()
        return now() - begin

    def time(
        self, jobs: Mapping[str, Job], seconds: float | None = None, warm_up: int = 1, rounds: int | None = None
    ) -> Times:
        """Time jobs in turns, round robin, in this process; calls to warm up are not counted.

        Args:
            jobs: name -> what is timed.
            seconds: what it may take, all that is left by default. One round is done in any case, `MAX_ROUNDS` at most.
            rounds: their number, where it does not depend on the time; the user's size "rounds" by default.
        """
        rounds = rounds or self.size("rounds", 0)
        end = time.perf_counter() + (self.left if seconds is None else seconds)
        repeats = {}
        for name, job in jobs.items():
            took = [self.call(job) for _ in range(max(warm_up, 1))][-1]
            if took < MIN_SECONDS:  # the first call of a short one is no guide
                took = self.call(job)
            repeats[name] = max(1, math.ceil(MIN_SECONDS / max(took, 1e-9)))
        measured: dict[str, list[float]] = {name: [] for name in jobs}
        for done in range(rounds or MAX_ROUNDS):
            begin = time.perf_counter()
            for name, job in jobs.items():
                measured[name].append(self.call(job, repeats[name]) / repeats[name])
            took = time.perf_counter() - begin
            if done + 1 >= (rounds or 1) and time.perf_counter() + took > end:
                break
        return Times(measured)
