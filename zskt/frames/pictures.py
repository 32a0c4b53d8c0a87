"""Pictures of frames: a sample a row, its frames from left to right; of a series its curves.

Shapes: B samples, T frames, C channels, H = W pixels, F features.
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from zskt.contracts import Card, PseudoBatch
from zskt.dataset import Labelled, drawn_rows
from zskt.frames.inputs import FrameInputs

ROWS = 6
"""Samples that are drawn."""


def frame_rows(batch: PseudoBatch, real: Labelled | None, card: Card) -> Figure:
    """Draw pseudo-samples on the left and real ones, if there are any, on the right."""
    inputs = card.inputs
    assert isinstance(inputs, FrameInputs)
    sides = [("pseudo-samples", batch.x[0])]
    if real is not None:
        assert isinstance(real.samples, torch.Tensor)
        sides.append(("real samples", inputs(real.samples[drawn_rows(len(real), ROWS)])[0]))
    figure = Figure(figsize=(4.8 * len(sides), 3.6), layout="constrained")
    for axes, (name, x) in zip(figure.subplots(1, len(sides), squeeze=False)[0], sides, strict=True):
        draw = _draw_frames if inputs.size else _draw_series
        draw(axes, inputs.values(x[:ROWS].detach().cpu()))
        axes.set_title(name, fontsize=8)
    return figure


def _draw_frames(axes: Axes, values: Tensor) -> None:
    """Draw intensities (B, T, C, H, W), clipped to [0, 1]; of channels that are no colours their mean."""
    from torchvision.utils import make_grid  # takes a second to import

    length, channels = values.shape[1:3]
    shown = values if channels in (1, 3) else values.mean(2, keepdim=True)
    tiles = make_grid(shown.flatten(0, 1).clamp(0, 1), nrow=length, padding=1, pad_value=1.0)
    axes.imshow(tiles.permute(1, 2, 0))
    axes.axis("off")


def _draw_series(axes: Axes, values: Tensor) -> None:
    """Draw the curves of series (B, T, F), one sample above the other."""
    step = float(values.abs().amax()) * 2
    for i, sample in enumerate(values):
        axes.plot((sample - i * step).numpy(), linewidth=0.7)
    axes.set_yticks([])
    axes.set_xlabel("frame", fontsize=8)
