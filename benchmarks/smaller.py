"""Speed of smaller students in onnxruntime: which of fewer channels, lower rank, zeros and fewer bits makes it faster.

Networks have random parameters: they take as long as trained ones. Ratios above 1 are of smaller ones that are faster.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.bench import Bench, Job, Skipped
from zskt.jets.features import KIN
from zskt.networks.compression import Compression, calibrate_inputs, compressed
from zskt.networks.own_student import largest_samples
from zskt.networks.students import STUDENTS
from zskt.results.compression_table import label_of

BATCH_SIZES = (1, 128)
STUDENTS_TIMED = ("deepsets", "pfn")
WAYS: tuple[dict[str, Any], ...] = (
    {"channels": 0.5},
    {"channels": 0.25},
    {"rank": 0.5},
    {"bits": 8},
    {"bits": 6},
    {"bits": 4},
    {"sparsity": 0.8},
    {"channels": 0.5, "rank": 0.5, "bits": 6, "sparsity": 0.8},
)
INT8 = "int8"
NAMES = ("points", "features", "mask")
AXES = tuple({0: "N", 2: "P"} for _ in NAMES)


def write(student: str, folder: Path) -> dict[str, Path]:
    """Write a student, its smaller forms, and its int8 form as ONNX."""
    from zskt.export.dense import SoftmaxHead, to_export_form
    from zskt.export.onnx import quantise
    from zskt.onnx_runtime import N_TRACE_SAMPLES, write_onnx

    torch.manual_seed(0)
    whole = STUDENTS[student].build(KIN, 10).eval()
    networks = {"whole": whole} | {label_of(way): compressed(whole, Compression(**way)).eval() for way in WAYS}
    files, x = {}, draw(64)
    for i, (name, network) in enumerate(networks.items()):
        calibrate_inputs(network, (x[0], x[1], x[2] > 0))
        files[name] = folder / f"{i}.onnx"
        form = SoftmaxHead(to_export_form(network), 0, range(10)).eval()
        write_onnx(form, NAMES, AXES, draw(N_TRACE_SAMPLES), files[name])
    files[INT8] = folder / "int8.onnx"
    quantise(files["whole"], files[INT8], NAMES, x)
    return files


def draw(count: int) -> tuple[Tensor, ...]:
    """Draw jets with as many particles as the networks take, masks as numbers."""
    return tuple(t.float() for t in largest_samples(KIN, count))


def job_of(path: Path, threads: int, batch: int) -> Callable[[], object]:
    """Make the job of one call of a network."""
    from zskt.onnx_runtime import feeds, session

    network = session(path, threads)
    named = dict(zip(NAMES, draw(batch), strict=True))
    fed = feeds(network, [named[i.name] for i in network.get_inputs()])
    return lambda: network.run(None, fed)


def measure(bench: Bench) -> dict[str, Any]:
    """Time all networks in turns."""
    if bench.device.type != "cpu":
        raise Skipped("onnxruntime is timed on the processor: --device cpu")
    jobs: dict[str, Job] = {}
    with tempfile.TemporaryDirectory() as folder:
        for student in [bench.text("student")] if bench.text("student") else STUDENTS_TIMED:
            place = Path(folder) / student
            place.mkdir()
            for name, path in write(student, place).items():
                for batch in BATCH_SIZES:
                    jobs[f"{student}, {batch}: {name}"] = job_of(path, bench.threads, batch)
        times = bench.time(jobs)
    ratios = {}
    for job in jobs:
        prefix, _, name = job.partition(": ")
        if name != "whole":
            ratios[f"{prefix}: whole / {name}"] = times.ratio(f"{prefix}: whole", job)
    return {"ratios": ratios, "times": times.to_json()}
