"""The table of benchmarks: each is a module of this package with a function ``measure(bench)``.

A new benchmark is such a file and a line here. Modules are imported in the process that runs them, so that one whose
library is missing stops nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Benchmark:
    """A line of the table."""

    module: str
    """Where its ``measure(bench: Bench) -> dict`` is."""
    summary: str
    seconds: float = 60.0
    """What it takes when nobody is in a hurry; a deadline is shared out in these proportions."""
    least: float = 5.0
    """Seconds below which it measures nothing worth having."""
    needs: tuple[str, ...] = ()
    """Libraries beside those of a PyTorch image."""
    by_default: bool = True
    """Whether it runs when it is not named: one that needs files of the user's is not."""


BENCHMARKS: dict[str, Benchmark] = {
    "game": Benchmark(
        "benchmarks.game", "an iteration of the paper's game, WRN-40-2 to WRN-16-1", seconds=150, least=15
    ),
    "overhead": Benchmark("benchmarks.overhead", "shares of a run's time", seconds=60, needs=("uproot",)),
    "inference": Benchmark(
        "benchmarks.inference",
        "students in onnxruntime, int8, too, against teachers",
        seconds=40,
        needs=("onnxruntime",),
    ),
    "smaller": Benchmark(
        "benchmarks.smaller",
        "smaller students in onnxruntime: channels, rank, bits, zeros",
        seconds=60,
        needs=("onnxruntime",),
    ),
    "growth": Benchmark("benchmarks.growth", "time and memory against batch and iterations", seconds=90),
    "particlenet": Benchmark(
        "benchmarks.particlenet", "ParticleNet against weaver-core's and its floor", seconds=120, needs=("weaver",)
    ),
    "jets": Benchmark("benchmarks.jets", "the generator of jets beside Pythia, and steps of the students"),
    "release": Benchmark(
        "benchmarks.release", "a run against the same run by the last release", seconds=240, least=60, needs=("uproot",)
    ),
    "queue": Benchmark("benchmarks.queue", "the paper's runs on 1 to 1 000 GPUs, simulated", seconds=10),
    "taggers": Benchmark("benchmarks.taggers", "a tagger of CMS against its file", by_default=False),
    "pfnano": Benchmark("benchmarks.pfnano", "scores of CMS from inputs rebuilt of PFNano", by_default=False),
}
