"""Time of a smaller student in onnxruntime beside the student that it was made of.

Times depend on the architecture and not on the weights, so that the whole student need not be there: one that was just
built takes its place.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from zskt.experiments.build import build_student
from zskt.experiments.finished import FinishedRun
from zskt.export.latency import latency
from zskt.export.student import ExportSpec
from zskt.onnx_runtime import N_TRACE_SAMPLES, write_onnx

NOT_SMALLER: dict[str, Any] = {"channels": 1.0, "rank": 1.0, "bits": 32, "sparsity": 0.0}


def beside_whole(
    run: FinishedRun, spec: ExportSpec, files: Mapping[str, Path], describe: Callable[[FinishedRun], ExportSpec]
) -> dict[str, Any]:
    """Measure how many times as fast each exported file is as the whole student's, in turns.

    Args:
        files: exported files of the smaller student by name.
        describe: describes a run to the exporter.

    Returns:
        for each file the rows of `zskt.export.latency.latency`: "ratio" above 1 is faster.
    """
    config = replace(run.config, **NOT_SMALLER)
    whole = describe(replace(run, config=config, student=build_student(config, run.card, run.catalog).eval()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "whole.onnx"
        write_onnx(whole.network, whole.input_names, whole.dynamic_axes, whole.random_inputs(N_TRACE_SAMPLES), path)

        def inputs(batch: int) -> dict[str, Any]:
            return dict(zip(spec.input_names, spec.largest_inputs(batch), strict=True))

        measured = {name: latency(path, file, inputs) for name, file in files.items()}
    return {
        name: [
            {"threads": r["threads"], "batch": r["batch"], "before_ms": r["teacher_ms"], "ms": r["student_ms"],
             "ratio": r["ratio"]}
            for r in rows
        ]
        for name, rows in measured.items()
    }  # fmt: skip
