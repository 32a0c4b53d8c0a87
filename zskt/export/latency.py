"""Latency of teacher and student in onnxruntime, measured in turns, and their ratio.

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

BATCH_SIZES = (1, 128)
THREAD_COUNTS = (1, 2)
N_TIMING_ROUNDS = 7
"""Number of rounds in which both networks take turns; the median counts."""
MIN_SECONDS = 0.05
"""Duration of one measurement: short calls are repeated until it is over."""


def _seconds(call: Callable[[], object]) -> float:
    """Measure the duration of one call, averaged over as many as fill `MIN_SECONDS`."""
    count, begin = 0, time.perf_counter()
    while True:
        call()
        count += 1
        elapsed = time.perf_counter() - begin
        if elapsed >= MIN_SECONDS:
            return elapsed / count


def latency(teacher: Path, student: Path, inputs: Callable[[int], dict[str, Tensor]]) -> list[dict[str, Any]]:
    """Measure milliseconds per sample of two ONNX files, and their ratio, for each batch size and number of threads.

    Args:
        inputs: returns B samples as inputs by name; a file takes those that it names.
    """
    rows = []
    for threads in THREAD_COUNTS:
        sessions = [session(path, threads) for path in (teacher, student)]
        for batch in BATCH_SIZES:
            x = inputs(batch)
            feed = [feeds(s, [x[i.name] for i in s.get_inputs()]) for s in sessions]
            calls = [partial(s.run, None, f) for s, f in zip(sessions, feed, strict=True)]
            for call in calls:
                call()
            times = [[_seconds(call) for call in calls] for _ in range(N_TIMING_ROUNDS)]
            t, s = (1e3 * statistics.median(column) / batch for column in zip(*times, strict=True))
            rows.append({"threads": threads, "batch": batch, "teacher_ms": t, "student_ms": s, "ratio": t / s})
    return rows


def latency_table(rows: Sequence[dict[str, Any]], unit: str) -> str:
    """Write what `latency` returns as a table in Markdown; ``unit`` is what a sample is called."""
    head = ("threads", "batch", f"teacher, ms per {unit}", f"student, ms per {unit}", "ratio")
    cells = [
        [str(r["threads"]), str(r["batch"]), f"{r['teacher_ms']:.4f}", f"{r['student_ms']:.4f}", f"{r['ratio']:.1f}"]
        for r in rows
    ]
    return markdown.table(head, cells)
