"""One benchmark in a process of its own: ``python -m benchmarks.child NAME --result FILE``, which the runner starts."""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.bench import Bench, Skipped
from benchmarks.machine import machine
from benchmarks.runner import SKIPPED
from benchmarks.table import BENCHMARKS, Benchmark
from zskt.allocator import keep_freed_memory

OURS = {"benchmarks", "zskt", "teachers", "generators"}
"""A module of ours that is missing is a mistake, no reason to skip."""


def run(name: str, benchmark: Benchmark, bench: Bench) -> dict[str, Any]:
    """Run a benchmark; what it found, with the machine, its duration and its peak memory.

    Raises:
        Skipped: if a library is missing.
    """
    if bench.device.type == "cuda" and not torch.cuda.is_available():
        raise Skipped("this machine has no CUDA device that PyTorch can use")
    try:
        for library in benchmark.needs:
            importlib.import_module(library)
        measure = importlib.import_module(benchmark.module).measure
        found: dict[str, Any] = measure(bench)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in OURS:
            raise
        raise Skipped(f"needs {error.name}, which is not installed") from error
    report: dict[str, Any] = {"benchmark": name, "summary": benchmark.summary, "machine": machine(bench.device)}
    report |= {"clock": bench.clock, "seconds": round(time.perf_counter() - bench.begun, 1), "peak_mib": _peak_mib()}
    if bench.device.type == "cuda":
        report["peak_card_mib"] = round(torch.cuda.max_memory_allocated(bench.device) / 2**20)
    return report | {"ratios": {}, "targets": {}} | found


def _peak_mib() -> int:
    """Return the largest memory that this process has had, in MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20)


def resident_mib() -> float:
    """Return the memory that this process has now, in MiB; where the system does not say, the largest so far."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return _peak_mib()
    return pages * resource.getpagesize() / 2**20


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.child")
    parser.add_argument("name")
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--size", nargs="*", default=[])
    args = parser.parse_args(arguments)
    if args.threads:
        torch.set_num_threads(args.threads)
    keep_freed_memory()  # as the command line does
    sizes = dict(entry.split("=", 1) for entry in args.size)
    try:
        report = run(args.name, BENCHMARKS[args.name], Bench(torch.device(args.device), args.seconds, sizes))
    except Skipped as reason:
        print(reason, file=sys.stderr)
        return SKIPPED
    args.result.write_text(json.dumps(report, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
