"""Growth: time of an iteration and memory against the size of a batch, and against the number of iterations.

A run must take as long for its last iterations as for its first ones, once the replay buffer is full, and as much
memory. Networks and images are small here (LeNet-5, 32 x 32 pixels), so that what is kept between iterations shows.
``--size iterations=500`` makes it short; by default as many are done as there is time for, at most 5 000.
"""

from __future__ import annotations

import gc
import math
import statistics
from typing import Any

import torch

from benchmarks.bench import Bench, at_most, spread
from benchmarks.child import resident_mib
from benchmarks.game import ours, players
from zskt.experiments.presets import PRESETS

PRESET = "mnist-lenet5-to-lenet5-half"
BATCHES = (32, 64, 128, 256)
MOST_ITERATIONS, LEAST_ITERATIONS = 5000, 60
TENTHS = 10
FLAT = {"slower": 1.1, "memory_mib": 16.0}
"""What counts as flat: the last tenth against the one in which the replay buffer is full."""
CONFIG = PRESETS[PRESET].with_(student_steps=2, step_growth=0.0, warmup=0.0, iterations=10**6)


def against_batch(bench: Bench) -> dict[str, Any]:
    """Time an iteration for batches of several sizes, in turns: seconds, and the power with which they grow."""
    jobs = {str(b): ours(CONFIG.with_(batch_size=b), players(CONFIG, bench.device)) for b in BATCHES}
    times = bench.time(jobs, seconds=bench.left / 4)
    first, last = BATCHES[0], BATCHES[-1]
    growth = times.ratio(str(last), str(first))
    power = math.log(growth["median"]) / math.log(last / first)
    return {"times": times.to_json(), "growth": growth, "power": power}


def against_iterations(bench: Bench, batch: int = 32) -> dict[str, Any]:
    """Run many iterations: median seconds and memory of each tenth; the replay buffer is full after the first."""
    iterations = (bench.size("iterations", 0) or _affordable(bench, batch)) // TENTHS * TENTHS
    config = CONFIG.with_(batch_size=batch, replay_size=batch * iterations // TENTHS)
    iterate = ours(config, players(config, bench.device))
    seconds, memory = [], []
    for _ in range(TENTHS):
        seconds.append(statistics.median(bench.call(iterate) for _ in range(iterations // TENTHS)))
        gc.collect()
        memory.append(_memory_mib(bench))
    return {"iterations": iterations, "batch": batch, "seconds": seconds, "memory_mib": memory}


def _affordable(bench: Bench, batch: int, calls: int = 20) -> int:
    """Count the iterations for which there is time, by a few on trial."""
    trial, before = ours(CONFIG.with_(batch_size=batch), players(CONFIG, bench.device)), bench.left
    for _ in range(calls):
        trial()
    each = (before - bench.left) / calls
    return max(LEAST_ITERATIONS, min(MOST_ITERATIONS, int(0.8 * bench.left / each)))


def _memory_mib(bench: Bench) -> float:
    """Return the memory that is held now, in MiB: the card's, or the process's."""
    if bench.device.type == "cuda":
        return torch.cuda.memory_allocated(bench.device) / 2**20
    return resident_mib()


def measure(bench: Bench) -> dict[str, Any]:
    """Measure both."""
    batch, iterations = against_batch(bench), against_iterations(bench)
    seconds, memory = iterations["seconds"], iterations["memory_mib"]
    slower = seconds[-1] / statistics.median(seconds[1:4])
    more = memory[-1] - memory[1]
    name = f"{BATCHES[-1]} / {BATCHES[0]} samples, seconds"
    return {
        "preset": PRESET,
        "ratios": {name: batch["growth"], "last tenth / second to fourth, seconds": spread([slower])},
        "targets": {
            f"{iterations['iterations']} iterations, last against first": at_most(FLAT["slower"], slower),
            f"{iterations['iterations']} iterations, MiB more": at_most(FLAT["memory_mib"], more),
            "power of the batch size": at_most(1.1, batch["power"]),
        },
        "batch": batch,
        "iterations": iterations,
    }
