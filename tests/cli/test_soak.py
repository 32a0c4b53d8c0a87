"""A long run: memory, open files and time of an iteration stay as they are.

Memory grows until the replay buffer is full, whose pages are taken when they are first written; the buffer is small
here. ``ZSKT_SOAK_MINUTES=30 pytest -m slow tests/cli/test_soak.py`` is the run of half an hour.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

MINUTES = float(os.environ.get("ZSKT_SOAK_MINUTES", "0.3"))
SAMPLES = 24
"""Looks at the process, at equal distances."""
MOST_GROWTH = 1.0
"""MiB in 1 000 iterations, and this much of noise of the allocator in all."""
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
    third = SAMPLES // 3
    first, last = looks[:third], looks[-third:]
    done = last[0].iterations - first[0].iterations
    grown = min(each.memory for each in last) - min(each.memory for each in first)
    costs = [
        (part[-1].seconds - part[0].seconds) / (part[-1].iterations - part[0].iterations) for part in (first, last)
    ]
    print(f"{preset}: {done} iterations, {grown:+.1f} MiB, {costs[1] / costs[0]:.2f} times the processor time each")
    assert grown < MOST_GROWTH * (1 + done / 1000)
    # The fewest of each part: a look may fall into the moments in which a checkpoint is open, a leak is there always.
    assert min(each.files for each in last) <= min(each.files for each in first)
    assert costs[1] < 1.5 * costs[0]
