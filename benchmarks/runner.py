"""Runs benchmarks one after the other, each in a process of its own, before a deadline if there is one."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.table import Benchmark

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "benchmarks.child"]
SKIPPED = 3
"""Exit code of a benchmark that cannot run here; the last line of standard error says why."""
START_SECONDS = 6.0
"""What a process needs before it measures, where others compute, too: it imports torch."""

MARGIN = 0.1
"""Share of the time that no benchmark is given: a round that has begun is finished."""


@dataclass(frozen=True)
class Outcome:
    """What came of a benchmark."""

    name: str
    state: str
    """"done", "skipped", "failed", "stopped" at the deadline, or "not run" for want of time."""
    why: str = ""
    report: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Runner:
    """How benchmarks are run."""

    device: str = "cpu"
    deadline: float | None = None
    """When all must be over, by `time.monotonic`."""
    threads: int | None = None
    sizes: Sequence[str] = ()
    """NAME=VALUE each, for the benchmarks that know the name."""

    def run(self, table: Mapping[str, Benchmark]) -> list[Outcome]:
        """Run what is in the table, in its order; one that fails stops nothing."""
        outcomes = []
        for i, (name, benchmark) in enumerate(table.items()):
            seconds = self._share(benchmark, list(table.values())[i:])
            if seconds is None:
                outcomes.append(Outcome(name, "not run", "no time left"))
            else:
                print(f"{name}: {benchmark.summary}", file=sys.stderr, flush=True)
                outcomes.append(self._one(name, seconds))
        return outcomes

    def _share(self, benchmark: Benchmark, rest: Sequence[Benchmark]) -> float | None:
        """Share out what is left among the benchmarks to come; None where that is too little for this one."""
        if self.deadline is None:
            return benchmark.seconds
        left = (self.deadline - time.monotonic() - START_SECONDS * len(rest)) * (1 - MARGIN)
        share = min(benchmark.seconds, left * benchmark.seconds / sum(b.seconds for b in rest))
        if share < benchmark.least:  # better this one than half of each
            share = benchmark.least
        return share if share <= left else None

    def _one(self, name: str, seconds: float) -> Outcome:
        """Run one benchmark in a process of its own."""
        with tempfile.TemporaryDirectory() as folder:
            result = Path(folder) / "result.json"
            command = [*COMMAND, name, "--result", str(result)]
            command += ["--device", self.device, "--seconds", f"{seconds:.1f}"]
            command += ["--threads", str(self.threads)] if self.threads else []
            command += ["--size", *self.sizes] if self.sizes else []
            limit = None if self.deadline is None else max(self.deadline - time.monotonic(), 1.0)
            try:
                done = subprocess.run(
                    command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, timeout=limit
                )
            except subprocess.TimeoutExpired:
                return Outcome(name, "stopped", "at the deadline")
            last = (done.stderr.strip().splitlines() or ["says nothing"])[-1]
            if done.returncode:
                state = "skipped" if done.returncode == SKIPPED else "failed"
                return Outcome(name, state, last if done.returncode > 0 else f"killed by signal {-done.returncode}")
            return Outcome(name, "done", report=json.loads(result.read_text()))
