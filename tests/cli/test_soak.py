"""A long run: memory, open files and time of an iteration stay as they are.

Memory grows until the replay buffer is full, whose pages are taken when they are first written; the buffer is small
here. The allocator (`zskt.allocator`) keeps what is freed, and takes a few MiB more of the system until it has met
what a run asks for. What leaks fills first what is kept, and grows then for as long as the run lasts: the 18 seconds of
each day tell a leak of some 64 KiB an iteration where iterations are many (MNIST), and what is larger. Smaller ones are
found by ``ZSKT_SOAK_MINUTES=30 pytest -m slow tests/cli/test_soak.py``, the run of half an hour, and by
`tests/experiments/test_live_objects.py`, which counts exactly what lives. Time is compared over many iterations alone:
a few say how busy the machine was.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from tests.conftest import ROOT

MINUTES = float(os.environ.get("ZSKT_SOAK_MINUTES", "0.3"))
SAMPLES, PARTS = 24, 6
"""Looks at the process, at equal distances, and the parts of the run that are compared."""
MOST_GROWTH = 1.0
"""MiB in 1 000 iterations."""
ALLOCATOR = 10.0
"""MiB that the allocator may still take on its way, in all: 6.4 was seen in 18 seconds of a run that loses nothing."""
ENOUGH = 1000
"""Iterations over which the time of each is compared."""
PAGE, TICK = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").is_file(), reason="looks at processes through Linux's /proc"
)


@dataclass(frozen=True)
class Look:
    """A process at a moment."""

    iterations: int
    memory: float
    """MiB that it holds."""
    files: int
    seconds: float
    """Of a processor."""


def look(pid: int, run: Path) -> Look:
    place = Path(f"/proc/{pid}")
    held = int((place / "statm").read_text().split()[1]) * PAGE / 2**20
    times = (place / "stat").read_text().rpartition(")")[2].split()
    return Look(
        len((run / "metrics.jsonl").read_text().splitlines()),
        held,
        len(list((place / "fd").iterdir())),
        (int(times[11]) + int(times[12])) / TICK,
    )


def steady_growth(lows: list[float]) -> float:
    """Return how much memory (MiB) grew over a run at its usual pace: the median between parts, times their number."""
    return median(later - before for before, later in pairwise(lows)) * (len(lows) - 1)


def seconds_each(looks: list[Look]) -> float:
    """Return the processor time (s) of an iteration."""
    return (looks[-1].seconds - looks[0].seconds) / (looks[-1].iterations - looks[0].iterations)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["mnist-lenet5-to-lenet5-half", "jets-embedded"])
def test_nothing_grows(preset: str, digits: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    short = ["--batch-size", "8", "--student-steps", "1", "--set", "replay_size=64", "--iterations", "10000000"]
    watched = ["--set", "evaluate_every=50", "--set", "checkpoint_every=50", "--out", str(run)]
    data = ["--data", str(digits)] if preset.startswith("mnist") else []
    command = [
        sys.executable,
        str(ROOT / "train.py"),
        "--mode",
        "zero-shot",
        "--preset",
        preset,
        *short,
        *watched,
        *data,
    ]
    looks: list[Look] = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while not (run / "metrics.jsonl").is_file() or look(process.pid, run).iterations < 120:
                assert process.poll() is None
                time.sleep(0.1)
            for _ in range(SAMPLES):
                time.sleep(60 * MINUTES / SAMPLES)
                assert process.poll() is None
                looks.append(look(process.pid, run))
        finally:
            process.kill()
    each = SAMPLES // PARTS
    parts = [looks[first : first + each] for first in range(0, SAMPLES, each)]
    done = looks[-1].iterations - looks[0].iterations
    lows = [min(seen.memory for seen in part) for part in parts]
    grown = steady_growth(lows)
    third = SAMPLES // 3
    first, last = looks[:third], looks[-third:]
    print(f"{preset}: {done} iterations, {grown:+.1f} MiB of", *(f"{low:.1f}" for low in lows))
    assert grown < ALLOCATOR + MOST_GROWTH * done / 1000
    # The fewest of each part: a look may fall into the moments in which a checkpoint is open, a leak is there always.
    assert min(seen.files for seen in last) <= min(seen.files for seen in first)
    if done >= ENOUGH:
        assert seconds_each(last) < 1.5 * seconds_each(first)


def test_a_leak_is_told_from_a_step_of_the_allocator() -> None:
    assert steady_growth([1000.0, 1000.1, 1014.8, 1014.8, 1015.0, 1017.0]) == pytest.approx(5 * 0.2)
    assert steady_growth([1000.0, 1003.0, 1005.0, 1008.0, 1011.0, 1014.0]) == pytest.approx(5 * 3.0)
