"""How long networks take for a sample in onnxruntime: teacher and student in one run, in turns, as ratios.

Shapes: B samples.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from zskt import markdown
from zskt.onnx_runtime import feeds, session

BATCHES = (1, 128)
THREADS = (1, 2)
ROUNDS = 7
LEAST_SECONDS = 0.05
"""Of one measurement: short calls are repeated."""


def _seconds(call: Callable[[], object]) -> float:
    """Of one call, over as many as fill `LEAST_SECONDS`."""
    count, begin = 0, time.perf_counter()
    while True:
        call()
        count += 1
        passed = time.perf_counter() - begin
        if passed >= LEAST_SECONDS:
            return passed / count


def latency(teacher: Path, student: Path, inputs: Callable[[int], dict[str, Tensor]]) -> list[dict[str, Any]]:
    """Milliseconds per sample of two ONNX files, the medians of rounds in which both take turns, and their ratio.

    Args:
        inputs: number of samples B -> inputs by name; a file takes those that it names.
    """
    rows = []
    for threads in THREADS:
        sessions = [session(path, threads) for path in (teacher, student)]
        for batch in BATCHES:
            x = inputs(batch)
            fed = [feeds(s, [x[i.name] for i in s.get_inputs()]) for s in sessions]
            calls = [partial(s.run, None, f) for s, f in zip(sessions, fed, strict=True)]
            for call in calls:
                call()
            times = [[_seconds(call) for call in calls] for _ in range(ROUNDS)]
            t, s = (1e3 * statistics.median(column) / batch for column in zip(*times, strict=True))
            rows.append({"threads": threads, "batch": batch, "teacher_ms": t, "student_ms": s, "ratio": t / s})
    return rows


def table(rows: Sequence[dict[str, Any]], unit: str) -> str:
    """As Markdown; ``unit`` is what a sample is called."""
    head = ("threads", "batch", f"teacher, ms per {unit}", f"student, ms per {unit}", "ratio")
    cells = [
        [str(r["threads"]), str(r["batch"]), f"{r['teacher_ms']:.4f}", f"{r['student_ms']:.4f}", f"{r['ratio']:.1f}"]
        for r in rows
    ]
    return markdown.table(head, cells)
