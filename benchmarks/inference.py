"""Speed of students in onnxruntime, in single precision and in int8, against their teachers, for 1 and 128 samples.

Networks have random parameters: they take as long as trained ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.bench import Bench, Job, Skipped
from teachers import TEACHERS
from zskt.experiments.presets import PRESETS
from zskt.images.inputs import ImageInputs
from zskt.networks.students import STUDENTS

BATCH_SIZES = (1, 128)
PRESETS_OF_IMAGES = (
    "mnist-lenet5-to-lenet5-half",
    "cifar10-resnet20-to-resnet8",
    "cifar10-wrn-40-2-to-wrn-16-1",
)


def write(preset: str, folder: Path) -> tuple[dict[str, Path], Callable[[int], Tensor]]:
    """Write teacher, student and int8 student of a preset for images as ONNX; the files, and what draws inputs."""
    from zskt.export.images import DYNAMIC_AXES, INPUT_NAME, with_preprocessing
    from zskt.export.onnx import quantise
    from zskt.onnx_runtime import N_TRACE_SAMPLES, write_onnx

    config = PRESETS[preset]
    card = TEACHERS[config.teacher]
    inputs = card.inputs
    assert isinstance(inputs, ImageInputs)
    torch.manual_seed(0)

    def draw(count: int) -> Tensor:
        return torch.rand(count, inputs.channels, inputs.side, inputs.side)

    networks = {"teacher": card.build(), "student": STUDENTS[config.student].build(inputs, len(card.classes))}
    files = {name: folder / f"{name}.onnx" for name in (*networks, "int8")}
    for name, network in networks.items():
        exported = with_preprocessing(network, inputs).eval()
        write_onnx(exported, (INPUT_NAME,), DYNAMIC_AXES, (draw(N_TRACE_SAMPLES),), files[name])
    quantise(files["student"], files["int8"], (INPUT_NAME,), (draw(64),))
    return files, draw


def jobs_of(files: dict[str, Path], draw: Callable[[int], Tensor], threads: int, prefix: str) -> dict[str, Job]:
    """Make the job of one call of each network for each batch size."""
    from zskt.onnx_runtime import feeds, session

    def job(path: Path, batch: int) -> Job:
        network = session(path, threads)
        fed = feeds(network, [draw(batch)])
        return lambda: network.run(None, fed)

    return {f"{prefix}, {batch}: {name}": job(path, batch) for batch in BATCH_SIZES for name, path in files.items()}


def measure(bench: Bench) -> dict[str, Any]:
    """Time all networks in turns."""
    if bench.device.type != "cpu":
        raise Skipped("onnxruntime is timed on the processor: --device cpu")
    jobs: dict[str, Job] = {}
    with tempfile.TemporaryDirectory() as folder:
        for preset in [bench.text("preset")] if bench.text("preset") else PRESETS_OF_IMAGES:
            place = Path(folder) / preset
            place.mkdir()
            jobs |= jobs_of(*write(preset, place), bench.threads, preset)
        times = bench.time(jobs)
    ratios = {
        f"{job.removesuffix('teacher')}teacher / {name}": times.ratio(job, job.removesuffix("teacher") + name)
        for job in jobs
        if job.endswith("teacher")
        for name in ("student", "int8")
    }
    return {"ratios": ratios, "times": times.to_json()}
