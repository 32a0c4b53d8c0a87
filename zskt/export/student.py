"""What the exporter needs to know of a student, and the pseudo-samples that calibrate its int8 form.

Shapes: B samples, K classes, R regressed values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.experiments.build import view_of
from zskt.experiments.finished import FinishedRun
from zskt.experiments.run_generator import rebuild_generator
from zskt.onnx_runtime import N_TRACE_SAMPLES, write_onnx
from zskt.terminal import note
from zskt.viewed import without_view


@dataclass(frozen=True, kw_only=True)
class ExportSpec:
    """What the exporter needs to know of a student.

    Batches are in the order of ``input_names``, with masks as numbers.
    """

    student: nn.Module
    """The student as it leaves, see `exported`."""
    network: nn.Module
    """The network to export: a batch -> probabilities and values (B, K + R), in the order of ``output_names``."""
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    dynamic_axes: tuple[dict[int, str], ...]
    """For each input, the axes that may have any length, and the names of these lengths."""
    random_inputs: Callable[[int], Batch]
    """Draws a number of random samples."""
    largest_inputs: Callable[[int], Batch]
    """Draws a number of samples as large as the network takes: the worst case of a trigger."""
    test_inputs: Callable[[Tensor], Batch] | None
    """Takes positions (B,) among the samples on which the run is evaluated, and returns these; None without any."""
    calibration: Batch
    """Pseudo-samples that set the ranges of the int8 student."""
    preprocess: Callable[[set[str]], dict[str, Any]]
    """Returns the content of ``preprocess.json``, from the names of the inputs that the network uses."""
    preprocess_note: str
    """What ``preprocess.json`` says, for the model card."""
    latency_note: str = ""
    """Which samples the latency is measured on, a sentence for the model card."""
    teacher_as_onnx: Callable[[Path], tuple[Path, str] | None]
    """Writes the teacher as ONNX into a folder: the file, which takes inputs of the same names, and whose export it is.
    None if the teacher is not there, or cannot be exported."""
    has_units: bool = False
    """True for columns of tables, whose scales differ: what takes them first is not quantised."""
    has_neighbour_search: bool = False
    """True for graph networks: kNN ties may be broken differently by each runtime."""


@dataclass(frozen=True)
class Exported:
    """A student as it leaves: behind its view, where that leaves samples of the same domain, else with it inside."""

    network: nn.Module
    inputs: Any
    """The specification of what it takes."""
    transform: Callable[..., Batch]
    """What the teacher is called with -> what it is called with."""

    @property
    def sees_all(self) -> bool:
        """Whether it takes what the teacher takes."""
        return self.transform is _all


def exported(run: FinishedRun) -> Exported:
    """Take the student of a run out of its view where it can be fed without what it never sees."""
    view = view_of(run.config, run.card) if run.config.mode != "teacher" else None
    if view is None or view.inputs.domain != run.card.inputs.domain:
        return Exported(run.student.eval(), run.card.inputs, _all)
    return Exported(without_view(run.student).eval(), view.inputs, view.transform)


def _all(*x: Tensor) -> Batch:
    return x


@torch.no_grad()
def pseudo_samples(run: FinishedRun, count: int) -> Batch:
    """Draw about ``count`` pseudo-samples from the generator of a run; no data is needed.

    A run that had no generator takes the default of its domain.
    """
    generator, _ = rebuild_generator(run)
    rng = torch.Generator().manual_seed(run.config.seed)
    return masks_as_numbers(generator.draw(round(count / generator.acceptance), rng).x)


def timed_teacher(
    run: FinishedRun, student: Exported, exportable: Callable[[nn.Module], nn.Module], input_name: str,
    axes: Sequence[dict[int, str]], draw: Callable[[int], Batch],
) -> Callable[[Path], tuple[Path, str] | None]:  # fmt: skip
    """Return what writes the teacher as ONNX beside its student, on whose inputs both are timed.

    It returns the file and whose export it is; None where there is no teacher, it sees more than the student does, or
    another runtime runs it, so that it cannot be exported.

    Args:
        exportable: makes the network that leaves of the one that was read.
        axes: the dynamic axes of the input.
        draw: how many samples -> what the exported network is called with.
    """

    def write(folder: Path) -> tuple[Path, str] | None:
        teacher = run.evaluator.teacher
        if teacher is None or not student.sees_all:
            return None
        if not getattr(teacher, "differentiable", True):  # a trace would hold its answers, and not the network
            note("zskt: teacher not timed: it is run by its own runtime, and cannot be exported from there")
            return None
        path = folder / "teacher.onnx"
        write_onnx(exportable(teacher), (input_name,), axes, draw(N_TRACE_SAMPLES), path)
        return path, "ONNX, exported by zskt"

    return write


def masks_as_numbers(x: Sequence[Tensor]) -> Batch:
    """Turn masks into 32-bit numbers, as other runtimes take them."""
    return tuple(t.float() for t in x)
