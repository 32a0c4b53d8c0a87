"""A run by today's code against the same run by the last release, in processes that take turns.

The last release is the commit before `zskt.__version__` became what it is; ``--size revision=REV`` takes another. Each
run is a process of its own, from its imports to its ``result.json``; seconds are those that the processor gave to it,
and those on the wall.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import zskt
from benchmarks.bench import Bench, Skipped, at_least, spread
from benchmarks.runner import ROOT

ITERATIONS, ROUNDS = 20, 3


def last_release() -> str:
    """Return the revision of the commit before the version became today's.

    Raises:
        Skipped: if this is no clone with its history.
    """
    changes = _git("log", "--format=%H", "--", "zskt/__init__.py").split()
    for revision in changes:
        if f'__version__ = "{zskt.__version__}"' not in _git("show", f"{revision}:zskt/__init__.py"):
            return revision
    raise Skipped("the history of this clone has no earlier version")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise Skipped(f"git {arguments[0]}: {(done.stderr.strip().splitlines() or ['fails'])[-1]}")
    return done.stdout


def played(code: Path, out: Path, bench: Bench) -> tuple[float, float]:
    """Play the default run, short; its seconds of the processor and on the wall."""
    command = [
        sys.executable,
        "train.py",
        "--mode",
        "zero-shot",
        "--iterations",
        str(bench.size("iterations", ITERATIONS)),
    ]
    before, begin = os.times(), time.perf_counter()
    done = subprocess.run(
        [*command, "--device", bench.device.type, "--out", str(out)], cwd=code, capture_output=True, text=True
    )
    wall, after = time.perf_counter() - begin, os.times()
    if done.returncode:
        raise Skipped(f"{code.name}: {(done.stderr.strip().splitlines() or ['fails'])[-1]}")
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return processor, wall


def measure(bench: Bench) -> dict[str, Any]:
    """Play both in turns."""
    revision = bench.text("revision") or last_release()
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        old = Path(folder) / "release"
        _git("worktree", "add", "--detach", str(old), revision)
        try:
            for i in range(bench.size("rounds", ROUNDS)):
                for name, code in (("release", old), ("today", ROOT)):
                    processor, wall = played(code, Path(folder) / f"{name}-{i}", bench)
                    seconds.setdefault(f"{name}, processor", []).append(processor)
                    seconds.setdefault(f"{name}, wall", []).append(wall)
                if bench.left < 2 * sum(values[-1] for name, values in seconds.items() if name.endswith("wall")):
                    break
        finally:
            _git("worktree", "remove", "--force", str(old))
    ratios = {
        f"release / today, {clock}": spread(
            [a / b for a, b in zip(seconds[f"release, {clock}"], seconds[f"today, {clock}"], strict=True)]
        )
        for clock in ("processor", "wall")
    }
    return {
        "release": revision[:12],
        "iterations": bench.size("iterations", ITERATIONS),
        "ratios": ratios,
        "targets": {"not slower than the last release": at_least(1.0, ratios["release / today, processor"]["median"])},
        "times": {name: spread(values) for name, values in seconds.items()},
    }
