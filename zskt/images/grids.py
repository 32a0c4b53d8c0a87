"""Grids of images: pseudo-images beside real ones."""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zskt.contracts import Card, PseudoBatch
from zskt.dataset import Labelled, drawn_rows
from zskt.images.inputs import ImageInputs
from zskt.plots.plot import Panel, Plot

GRID_ROWS, GRID_COLUMNS = 4, 8
"""Numbers of rows and columns of a grid."""


def grid(batch: PseudoBatch, real: Labelled | None, card: Card) -> Figure:
    """Draw pseudo-images on the left and real ones, if there are any, on the right, as intensities."""
    sides = _sides(batch, real, card)
    figure = Figure(figsize=(4.8 * len(sides), 2.6), layout="constrained")
    for axes, (name, x) in zip(figure.subplots(1, len(sides), squeeze=False)[0], sides, strict=True):
        tiled(axes, card.inputs.intensities(x[: GRID_ROWS * GRID_COLUMNS]), name)
    return figure


def _sides(batch: PseudoBatch, real: Labelled | None, card: Card) -> list[tuple[str, torch.Tensor]]:
    assert isinstance(card.inputs, ImageInputs)
    sides = [("pseudo-images", batch.x[0])]
    if real is not None:
        assert isinstance(real.samples, torch.Tensor)
        sides.append(("real images", card.inputs(real.samples[drawn_rows(len(real), GRID_ROWS * GRID_COLUMNS)])[0]))
    return sides


def grid_panels(batch: PseudoBatch, real: Labelled | None, card: Card) -> Plot:
    """Draw the same in two panels."""
    assert isinstance(card.inputs, ImageInputs)
    panels = []
    for name, x in _sides(batch, real, card):
        figure = Figure(figsize=(4.8, 2.5))
        tiled(figure.add_axes((0, 0, 1, 1)), card.inputs.intensities(x[: GRID_ROWS * GRID_COLUMNS]), "")
        panels.append(Panel(name, figure))
    return Plot("Generated vs. real images", tuple(panels), is_photograph=True)


def tiled(axes: Axes, intensities: torch.Tensor, title: str) -> None:
    """Draw images (B, C, H, W) side by side, `GRID_COLUMNS` a row; intensities are clipped to [0, 1].

    Images that have neither one channel nor three have no colours: their mean over channels is drawn.
    """
    from torchvision.utils import make_grid  # takes a second to import

    if intensities.shape[1] not in (1, 3):
        intensities = intensities.mean(1, keepdim=True)
    tiles = make_grid(intensities.clamp(0, 1).cpu(), nrow=GRID_COLUMNS, padding=1, pad_value=1.0)
    axes.imshow(tiles.permute(1, 2, 0))
    axes.set_title(title, fontsize=8)
    axes.axis("off")
