"""Export of image students: padding and normalisation are part of the exported network.

Shapes: B images, C channels, h x w pixels of an image, K classes.
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
from zskt.images.inputs import ImageInputs

INPUT_NAME = "images"
DYNAMIC_AXES: tuple[dict[int, str], ...] = ({0: "N"},)


def with_preprocessing(network: nn.Module, inputs: ImageInputs, bernoulli: bool = False) -> WithProbabilities:
    """Make a network take intensities in [0, 1], (B, C, h, w), and return probabilities, (B, K)."""
    return WithProbabilities(network, bernoulli, lambda images: inputs.normalised(inputs.padded(images)))


def unpadded(x: Tensor, inputs: ImageInputs) -> Tensor:
    """Take the padding off images (B, C, H, W): (B, C, h, w)."""
    margin = (inputs.size - inputs.side) // 2
    return x[:, :, margin : margin + inputs.side, margin : margin + inputs.side]


def export_images(run: FinishedRun, teacher_path: Path | None, calibration: int) -> ExportSpec:
    """Describe the student of a run on images to the exporter.

    Args:
        teacher_path: not needed: the network that was read is exported.
        calibration: number of pseudo-images.
    """
    del teacher_path
    card = run.card
    student = exported(run)
    inputs = student.inputs
    assert isinstance(inputs, ImageInputs)
    channels, height, width = inputs.channels, inputs.side, inputs.side
    all_pixels: ImageInputs = card.inputs

    def random_inputs(count: int) -> Batch:
        return (torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(0)),)

    def exportable(network: nn.Module) -> nn.Module:
        return with_preprocessing(network.to(memory_format=torch.contiguous_format), inputs, card.bernoulli).eval()

    def seen(intensities: Tensor) -> Batch:
        """Return what the student sees of images (B, C, H, W) as intensities, without the padding."""
        (x,) = student.transform(all_pixels.normalised(all_pixels.padded(intensities)))
        return (unpadded(inputs.intensities(x), inputs),)

    def test_inputs(rows: Tensor) -> Batch:
        pixels = run.evaluator.data.samples
        assert isinstance(pixels, Tensor)
        intensities = pixels[rows].float() / 255
        return (intensities,) if student.sees_all else seen(intensities)

    def preprocess(used: set[str]) -> dict[str, Any]:
        layout = {"channels": channels, "height": height, "width": width, "range": [0, 1]}
        return {"input_names": sorted(used), "output_names": list(card.classes), INPUT_NAME: layout}

    (pseudo,) = student.transform(*pseudo_samples(run, calibration))
    images = unpadded(inputs.intensities(pseudo), inputs)
    return ExportSpec(
        student=student.network,
        network=exportable(student.network),
        input_names=(INPUT_NAME,),
        output_names=card.classes,
        dynamic_axes=DYNAMIC_AXES,
        random_inputs=random_inputs,
        largest_inputs=random_inputs,
        test_inputs=None if run.evaluator.missing else test_inputs,
        calibration=(images.clamp(0, 1),),
        preprocess=preprocess,
        preprocess_note="intensities in [0, 1]; padding and normalisation are part of the network",
        teacher_as_onnx=timed_teacher(run, student, exportable, INPUT_NAME, DYNAMIC_AXES, random_inputs),
    )
