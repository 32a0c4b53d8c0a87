"""Moving digits, made by us: one digit goes through the picture, and halfway another takes its place.

The digits are the 8 x 8 pixels of E. Alpaydin and C. Kaynak, UCI (1998), which scikit-learn brings along. A sample is 8
frames of 16 x 16 pixels. Its class is which digit came first and which last: early frames tell the one, late ones the
other. Which way the first one goes at the beginning tells, in six of ten samples, what comes next: so far, and no
further, the end can be known before it is seen.

Shapes: N samples, T frames.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import torch
from torch import Tensor

from zskt.dataset import Labelled
from zskt.frames.inputs import FrameInputs
from zskt.frames.motion import bounced, placed

LENGTH, SIDE, DIGIT_SIDE = 8, 16, 8
DIGITS = (0, 1, 2, 3)
CLASSES = tuple(f"{first}-{last}" for first in DIGITS for last in DIGITS)
INPUTS = FrameInputs(length=LENGTH, size=SIDE, mean=(0.1,), std=(0.2,))
"""Moments of the training samples, rounded."""
NAME = "moving-digits"
FORESEEABLE = 0.6
"""Share of the samples in which the first digit's way tells what the last one is."""
SPEED = (1.0, 2.5)
"""Least and largest, in pixels a frame."""
CHANGES = (3, 5)
"""First and last frame with which the second digit may begin; the first frame of all is 0."""
NOISE = 0.08
"""Standard deviation of the noise of each pixel, where white is 1."""
TRAIN_SHARE = 0.7
"""Share of the images of digits of which training samples are made."""
COUNTS = {"train": 6000, "test": 2000}
Split = Literal["train", "test"]


@cache
def _digits(split: Split) -> tuple[Tensor, Tensor]:
    """Return the images of a split, (N, 8, 8) in [0, 1], and their digits, as positions in `DIGITS`."""
    from sklearn.datasets import load_digits  # takes a second to import

    data = load_digits()
    images, digits = torch.tensor(data.images, dtype=torch.float32) / 16, torch.tensor(data.target)
    border = round(TRAIN_SHARE * len(images))
    kept = slice(border) if split == "train" else slice(border, None)
    chosen = torch.isin(digits[kept], torch.tensor(DIGITS))
    return images[kept][chosen], torch.searchsorted(torch.tensor(DIGITS), digits[kept][chosen])


def moving_digits(split: Split, count: int | None = None, seed: int = 0, clutter: float = 0.0) -> Labelled:
    """Make samples (N, T, 1, 16, 16) of uint8 with their classes; the same for the same arguments.

    Args:
        split: whose images of digits: no digit is in both.
        count: N; by default that of the split.
        clutter: brightness of a background that stands still: blurred noise, another in each sample; 0 is black.
    """
    images, digits = _digits(split)
    count = COUNTS[split] if count is None else count
    rng = torch.Generator().manual_seed(2 * seed + (split == "test"))

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=rng)

    room = float(SIDE - DIGIT_SIDE)
    angle = 2 * torch.pi * uniform(count, 1)
    speed = SPEED[0] + (SPEED[1] - SPEED[0]) * uniform(count, 1)
    velocity = torch.cat([angle.cos(), angle.sin()], 1) * speed
    corner = bounced(room * uniform(count, 2), velocity, LENGTH, room)

    first = torch.randint(len(DIGITS), (count,), generator=rng)
    foreseen = (first + torch.where(velocity[:, 0] > 0, 1, -1)) % len(DIGITS)
    any_digit = torch.randint(len(DIGITS), (count,), generator=rng)
    last = torch.where(uniform(count) < FORESEEABLE, foreseen, any_digit)
    change = torch.randint(CHANGES[0], CHANGES[1] + 1, (count,), generator=rng)

    begun, ended = (placed(images[_one_of(digits, which, rng)], corner, SIDE) for which in (first, last))
    is_late = (torch.arange(LENGTH) >= change.unsqueeze(1)).view(count, LENGTH, 1, 1)
    frames = torch.where(is_late, ended, begun)
    if clutter:
        frames = torch.maximum(frames, clutter * _background(count, rng))
    frames = frames + NOISE * torch.randn(frames.shape, generator=rng)
    pixels = (255 * frames.clamp(0, 1)).round().to(torch.uint8).unsqueeze(2)
    return Labelled(pixels, len(DIGITS) * first + last)


def _one_of(digits: Tensor, wanted: Tensor, rng: torch.Generator) -> Tensor:
    """Draw an image of each digit that is wanted: positions, (N,)."""
    order = digits.argsort(stable=True)
    counts = torch.bincount(digits, minlength=len(DIGITS))
    begin = counts.cumsum(0) - counts
    drawn = (torch.rand(len(wanted), generator=rng) * counts[wanted]).long()
    return order[begin[wanted] + drawn]


def _background(count: int, rng: torch.Generator) -> Tensor:
    """Return blurred noise between 0 and 1 that stands still: (N, 1, H, W)."""
    noise = torch.rand(count, 1, SIDE + 2, SIDE + 2, generator=rng)
    blurred = torch.nn.functional.avg_pool2d(noise, 3, stride=1)
    low, high = blurred.amin((2, 3), keepdim=True), blurred.amax((2, 3), keepdim=True)
    return (blurred - low) / (high - low)
