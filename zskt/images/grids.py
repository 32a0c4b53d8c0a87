"""Pictures of pseudo-samples beside real ones, from a random stream of their own."""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from teachers import AnyCard
from zskt.contracts import PseudoBatch
from zskt.dataset import Labelled
from zskt.images.inputs import ImageInputs

ROWS, COLUMNS = 4, 8
"""Of a grid of images."""


def grid(draw: PseudoBatch, real: Labelled, card: AnyCard) -> Figure:
    """Pseudo-images on the left, real ones on the right, as intensities."""
    assert isinstance(card.inputs, ImageInputs) and isinstance(real.samples, torch.Tensor)
    figure = Figure(figsize=(9.6, 2.6), layout="constrained")
    sides = (("pseudo-images", draw.x[0]), ("real images", card.inputs(real.samples[: ROWS * COLUMNS])[0]))
    for axes, (name, x) in zip(figure.subplots(1, 2), sides, strict=True):
        tiled(axes, card.inputs.intensities(x[: ROWS * COLUMNS]), name)
    return figure


def tiled(axes: Axes, intensities: torch.Tensor, title: str) -> None:
    """Images (B, C, H, W) side by side, `COLUMNS` a row; what lies outside [0, 1] is cut."""
    from torchvision.utils import make_grid  # takes a second to import

    tiles = make_grid(intensities.clamp(0, 1).cpu(), nrow=COLUMNS, padding=1, pad_value=1.0)
    axes.imshow(tiles.permute(1, 2, 0))
    axes.set_title(title, fontsize=8)
    axes.axis("off")
