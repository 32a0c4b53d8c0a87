"""What a run costs: time in its method alone, processor time, memory. Evaluations, pictures and checkpoints are free.

The time of an iteration is its wall-clock time or its processor time, whichever is shorter: what other processes of the
machine take is not the run's. A run on one thread costs the same on a busy machine as on a quiet one. On a GPU, whose
work processor time does not see, it is wall-clock time.
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

from zskt.checkpoint import TrainState

COUNTERS = ("training_seconds", "processor_seconds")
"""Counters of `zskt.checkpoint.TrainState` that a `Meter` adds to."""
STATUS = Path("/proc/self/status")


@dataclass
class Meter:
    """Clocks that run while the method works, and add to counters of its state: a resumed run goes on counting."""

    state: TrainState
    _wall: float = field(init=False)
    _processor: float = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def stop(self) -> None:
        """Add the time since the last start: the method has done an iteration."""
        wall, processor = time.monotonic() - self._wall, time.process_time() - self._processor
        own = wall if self.state.device.type == "cuda" else min(wall, processor)
        for name, seconds in zip(COUNTERS, (own, processor), strict=True):
            self.state.counters[name] = self.state.counters.get(name, 0.0) + seconds

    def start(self) -> None:
        """Begin to count: what comes is the method's."""
        self._wall, self._processor = time.monotonic(), time.process_time()

    def costs(self) -> dict[str, float]:
        """Return what the run has cost so far, as ``metrics.jsonl`` has it beside each evaluation."""
        names = ("teacher_queries", "steps", *COUNTERS)
        return {name: round(self.state.counters.get(name, 0.0), 2) for name in names}


def peak_memory(device: torch.device) -> float:
    """Return the most memory that this process has held, MiB: the GPU's where it computes there, else its own."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    if STATUS.is_file():  # of Linux: the other figure there knows the parent's memory, too
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines() if ":" in line)
        if "VmHWM" in lines:
            return float(lines["VmHWM"].split()[0]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
