"""Where the time of a run goes: teacher, student, generator, and what is none of their arithmetic.

A short run of a preset, with functions wrapped from outside. ``--size iterations=20``, ``preset=NAME``,
``teacher_path=FILE`` and ``data=FOLDER`` choose another; by default the run that ``--mode zero-shot`` does, and the
pair of MNIST, whose teachers ship. A teacher whose file is not there has random parameters: it takes as long.

The first iteration counts for no part. Evaluation is a part of its own that is no overhead: how often it happens is the
user's choice.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from benchmarks.bench import Bench, at_most, spread
from benchmarks.stopwatch import Stopwatch
from zskt import replay
from zskt.__main__ import catalog
from zskt.checkpoint import TrainState
from zskt.errors import UserError
from zskt.experiments import launch as launching
from zskt.experiments.evaluator import Evaluator
from zskt.experiments.preparation import require_fit
from zskt.experiments.presets import PRESETS
from zskt.experiments.pseudo_pictures import PseudoPictures
from zskt.experiments.run_folder import RunFolder
from zskt.experiments.runner import Options, train_loop
from zskt.experiments.teacher_files import TeacherFiles
from zskt.methods import Method, Setup
from zskt.methods import zskt as algorithm

EVALUATION, OUTSIDE = "evaluation", "outside of arithmetic"
DEFAULT = ("jets-embedded", "mnist-lenet5-to-lenet5-half")
GENERATOR_STEP, STUDENT_STEP = "gradient of the generator's step", "gradient of the student"
BY_SAMPLES = "gradient by the samples"
ARITHMETIC = ("teacher", "student", "generator", GENERATOR_STEP, STUDENT_STEP, BY_SAMPLES)
WANTED = {"cpu": 0.05, "cuda": 0.10}
"""Largest share outside arithmetic, by device."""
PARTS: tuple[tuple[Any, str, str], ...] = (
    (torch.autograd, "grad", BY_SAMPLES),
    (torch.optim.Adam, "step", "optimiser"),
    (torch.optim.AdamW, "step", "optimiser"),
    (torch.optim.SGD, "step", "optimiser"),
    (nn.utils, "clip_grad_norm_", "optimiser"),
    (torch.optim.swa_utils.AveragedModel, "update_parameters", "optimiser"),
    (replay.ReplayBuffer, "add", "replay"),
    (algorithm, "mixed", "replay"),
    (Evaluator, "monitor", EVALUATION),
    (Evaluator, "evaluate", EVALUATION),
    (Evaluator, "diagnose", EVALUATION),
    (PseudoPictures, "show", EVALUATION),
    (RunFolder, "log", "log and checkpoints"),
    (TrainState, "save", "log and checkpoints"),
)
"""Where a function is found, and the part that it counts for, with all that it calls."""


@contextmanager
def watched(watch: Stopwatch) -> Iterator[dict[str, float]]:
    """Wrap everything that a run calls, and give it back; the seconds of each part come after its loop."""
    found: dict[str, float] = {}
    by_generator = False

    def backward() -> str:
        return GENERATOR_STEP if by_generator else STUDENT_STEP

    def generator_step(method: algorithm.ZSKT) -> Any:
        nonlocal by_generator
        by_generator = True
        try:
            return step(method)
        finally:
            by_generator = False

    def begin(method: Method, setup: Setup) -> None:
        check(method, setup)
        for network, function, name in (
            (setup.pair.teacher, "forward", "teacher"),
            (setup.pair.student, "forward", "student"),
            (setup.generator, "sample", "generator"),
        ):
            if network is not None:
                watch.wrap(network, function, name)

    def log(folder: RunFolder, iteration: int, *metrics: Any) -> None:
        write(folder, iteration, *metrics)
        if iteration == 1:
            watch.restart()

    def loop(*args: Any) -> None:
        train_loop(*args)
        found.update(watch.stop())

    step, check, write = algorithm.ZSKT.generator_step, require_fit, RunFolder.log
    with (
        patch.object(algorithm.ZSKT, "generator_step", generator_step),
        patch.object(launching, "require_fit", begin),
        patch.object(launching, "train_loop", loop),
        patch.object(RunFolder, "log", log),
    ):
        watch.wrap(torch.Tensor, "backward", backward, sealed=True)
        for owner, function, name in PARTS:
            watch.wrap(owner, function, name, sealed=True)
        try:
            yield found
        finally:
            watch.close()


def run(bench: Bench, preset: str) -> dict[str, Any]:
    """Run a preset for a few iterations; the seconds of each part, and how many iterations they are of."""
    names, config = catalog(), PRESETS[preset]
    iterations = bench.size("iterations", 12)
    config = config.with_(iterations=iterations, evaluate_every=max(iterations // 2, 1), checkpoint_every=iterations)
    path, data = (Path(bench.text(name)) if bench.text(name) else None for name in ("teacher_path", "data"))
    names, _ = names.with_files(config.teacher, TeacherFiles(network=path))
    card = names.card(config)
    loaded: AbstractContextManager[object] = nullcontext()
    try:
        card.load()
    except UserError:  # its file is not here
        loaded = patch.multiple(
            type(card), load=lambda self: self.build().eval().requires_grad_(False), files=lambda self: {}
        )
    watch = Stopwatch(bench.synchronize)
    with tempfile.TemporaryDirectory() as folder, loaded, watched(watch) as seconds:
        out = Path(folder) / "run"
        options = Options(device=bench.device.type, out=out, progress=False, data=data, teacher_path=path)
        with redirect_stdout(sys.stderr):
            launching.launch(config, names, options)
        return {
            "iterations": iterations - 1,
            "seconds": seconds,
            "random_teacher": not isinstance(loaded, nullcontext),
        }


def shares(seconds: dict[str, float]) -> dict[str, float]:
    """Return the share of each part in all but evaluation, and of what is no arithmetic."""
    counted = {name: value for name, value in seconds.items() if name != EVALUATION}
    total = sum(counted.values())
    found = {name: value / total for name, value in sorted(counted.items(), key=lambda entry: -entry[1])}
    return found | {OUTSIDE: 1 - sum(found.get(name, 0.0) for name in ARITHMETIC)}


def measure(bench: Bench) -> dict[str, Any]:
    """Run presets, and tell the share of each part."""
    presets = [bench.text("preset")] if bench.text("preset") else DEFAULT
    runs = {preset: run(bench, preset) for preset in presets}
    ratios, targets = {}, {}
    for preset, found in runs.items():
        found["shares"] = shares(found["seconds"])
        for name, share in found["shares"].items():
            ratios[f"{preset}: {name}"] = spread([share])
        outside = found["shares"][OUTSIDE]
        targets[f"{preset}: {OUTSIDE}"] = at_most(WANTED[bench.device.type], outside)
    return {"ratios": ratios, "targets": targets, "runs": runs}
