"""Students of image networks on their way out: padding and normalisation leave with them.

Shapes: B images, C channels, h x w pixels of an image, K classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.experiments.finished import FinishedRun
from zskt.export.student import SEVERAL, ExportSpec, pseudo_samples
from zskt.images.inputs import ImageInputs
from zskt.onnx_runtime import write_onnx

NAME = "images"
AXES: tuple[dict[int, str], ...] = ({0: "N"},)


class WithPreprocessing(nn.Module):
    """A network that takes intensities in [0, 1], and answers with probabilities.

    Args:
        network: normalised images -> logits.
    """

    def __init__(self, network: nn.Module, inputs: ImageInputs) -> None:
        super().__init__()
        self.network, self.inputs = network, inputs

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, K)."""
        answered: Tensor = self.network(self.inputs.normalised(self.inputs.padded(images)))
        return answered.softmax(1)


def export_images(found: FinishedRun, teacher_path: Path | None, calibration: int) -> ExportSpec:
    """The student of a run on images.

    Args:
        teacher_path: not needed: the network that was read is exported.
        calibration: number of pseudo-images.
    """
    del teacher_path
    card, pixels = found.judge.card, found.judge.data.samples
    inputs = card.inputs
    assert isinstance(inputs, ImageInputs) and isinstance(pixels, Tensor)
    shape = tuple(pixels.shape[1:])

    def random(count: int) -> Batch:
        return (torch.rand(count, *shape, generator=torch.Generator().manual_seed(0)),)

    def whole(network: nn.Module) -> nn.Module:
        return WithPreprocessing(network.to(memory_format=torch.contiguous_format), inputs).eval()

    def teacher(place: Path) -> tuple[Path, str] | None:
        if found.judge.teacher is None:
            return None
        write_onnx(whole(found.judge.teacher), (NAME,), AXES, random(SEVERAL), place / "teacher.onnx")
        return place / "teacher.onnx", "ONNX, exported by zskt"

    def describe(used: set[str]) -> dict[str, Any]:
        sizes = dict(zip(("channels", "height", "width"), shape, strict=True))
        return {"input_names": sorted(used), "output_names": list(card.classes), NAME: sizes | {"range": [0, 1]}}

    margin = (inputs.size - shape[-1]) // 2
    (pseudo,) = pseudo_samples(found, calibration, "image")
    seen = inputs.intensities(pseudo)[:, :, margin : margin + shape[-2], margin : margin + shape[-1]]
    return ExportSpec(
        network=whole(found.student.eval()),
        names=(NAME,),
        axes=AXES,
        outputs=card.classes,
        random=random,
        full=random,
        samples=lambda count: (pixels[:count].float() / 255,),
        pseudo=(seen.clamp(0, 1),),
        describe=describe,
        teacher=teacher,
    )
