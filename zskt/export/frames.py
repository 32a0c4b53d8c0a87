"""Export of students of frames: normalisation is part of the exported network.

Shapes: B samples, T frames, C channels, H = W pixels, F features, K classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.experiments.finished import FinishedRun
from zskt.export.probabilities import WithProbabilities
from zskt.export.student import ExportSpec, exported, pseudo_samples, timed_teacher
from zskt.frames.inputs import FrameInputs

INPUT_NAME = "frames"
DYNAMIC_AXES: tuple[dict[int, str], ...] = ({0: "N"},)


def export_frames(run: FinishedRun, teacher_path: Path | None, calibration: int) -> ExportSpec:
    """Describe the student of a run on frames to the exporter.

    Args:
        teacher_path: not needed: the network that was read is exported.
        calibration: number of pseudo-samples.
    """
    del teacher_path
    card = run.card
    student = exported(run)
    inputs = student.inputs
    assert isinstance(inputs, FrameInputs)
    samples = (inputs.values(student.transform(*pseudo_samples(run, calibration))[0]),)

    def exportable(network: nn.Module) -> nn.Module:
        """Make a network take frames (B, T, C, H, W) of intensities in [0, 1], or values (B, T, F), as they are."""
        return WithProbabilities(network, card.bernoulli, inputs.normalised).eval()

    def draw(count: int) -> Batch:
        return (samples[0][torch.arange(count) % len(samples[0])],)

    def test_inputs(rows: Tensor) -> Batch:
        tested: Any = run.evaluator.data[rows].samples
        return (inputs.values(student.transform(*card.inputs(tested))[0]),)

    def preprocess(used: set[str]) -> dict[str, Any]:
        layout: dict[str, Any] = {"length": inputs.length, "channels": inputs.channels}
        layout |= {"height": inputs.size, "width": inputs.size, "range": [0, 1]} if inputs.size else {}
        layout |= {"view": run.config.view} if run.config.view else {}
        return {"input_names": sorted(used), "output_names": list(card.classes), INPUT_NAME: layout}

    return ExportSpec(
        student=student.network,
        network=exportable(student.network),
        input_names=(INPUT_NAME,),
        output_names=card.classes,
        dynamic_axes=DYNAMIC_AXES,
        random_inputs=draw,
        largest_inputs=draw,
        test_inputs=None if run.evaluator.missing else test_inputs,
        calibration=samples,
        preprocess=preprocess,
        preprocess_note="how many frames, of what size; normalisation is part of the network",
        teacher_as_onnx=timed_teacher(
            run,
            student,
            exportable,
            INPUT_NAME,
            DYNAMIC_AXES,
            draw,
        ),
    )
