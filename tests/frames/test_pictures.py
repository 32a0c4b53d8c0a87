"""Pictures of frames: rows of video, curves of series."""

from __future__ import annotations

from dataclasses import replace

import torch

from teachers.frames import FRAMES
from zskt.contracts import PseudoBatch
from zskt.frames.inputs import FrameInputs
from zskt.frames.moving_digits import moving_digits
from zskt.frames.pictures import frame_rows

CARD = FRAMES["moving-digits-gru"]


def test_video_is_drawn_a_sample_a_row_beside_real_samples() -> None:
    figure = frame_rows(PseudoBatch((torch.zeros(9, 8, 1, 16, 16),)), moving_digits("test", 6), CARD)
    left, right = figure.axes
    assert [axes.get_title() for axes in (left, right)] == ["pseudo-samples", "real samples"]
    height, width = left.get_images()[0].get_array().shape[:2]  # type: ignore[union-attr]
    assert (height, width) == (6 * 17 + 1, 8 * 17 + 1)


def test_series_are_drawn_as_curves_of_each_feature() -> None:
    card = replace(CARD, inputs=FrameInputs(length=10, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)))
    (axes,) = frame_rows(PseudoBatch((torch.randn(4, 10, 3),)), None, card).axes
    assert len(axes.get_lines()) == 12
