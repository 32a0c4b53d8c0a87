"""Input specification of frames: one definition for video and series."""

from __future__ import annotations

import pytest
import torch

from zskt.errors import UserError
from zskt.frames.inputs import FrameInputs

VIDEO = FrameInputs(length=3, size=4, mean=(0.5, 0.25), std=(0.5, 0.25))
SERIES = FrameInputs(length=5, mean=(1.0, -2.0, 0.0), std=(2.0, 4.0, 1.0))


def test_pixels_and_values_are_normalised_channel_by_channel_and_back() -> None:
    assert VIDEO.sample_shape == (3, 2, 4, 4) and SERIES.sample_shape == (5, 3)
    pixels = torch.full((2, 3, 2, 4, 4), 255, dtype=torch.uint8)
    (x,) = VIDEO(pixels)
    assert x[:, :, 0].unique().tolist() == [1.0] and x[:, :, 1].unique().tolist() == [3.0]
    assert torch.allclose(VIDEO.values(x), torch.ones_like(x))
    (x,) = SERIES(torch.tensor([[[3.0, 2.0, 0.5]]]).expand(1, 5, 3))
    assert x[0, 0].tolist() == [1.0, 1.0, 0.5]
    assert SERIES.values(x)[0, 4].tolist() == [3.0, 2.0, 0.5]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"length": 0, "mean": (0.0,), "std": (1.0,)}, "0 frames"),
        ({"length": 2, "mean": (0.0,), "std": (1.0, 1.0)}, "1 means and 2 spreads"),
        ({"length": 2, "mean": (0.0,), "std": (0.0,)}, "spread 0"),
    ],
)
def test_what_cannot_be_is_told(fields: dict[str, tuple[float, ...]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        FrameInputs(**fields)  # type: ignore[arg-type]
