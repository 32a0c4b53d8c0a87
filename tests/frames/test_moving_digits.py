"""Moving digits: what is made, and that a class needs early and late frames."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from zskt.frames.moving_digits import CLASSES, DIGITS, FORESEEABLE, INPUTS, moving_digits


def pixels(split: str, count: int, **more: float) -> tuple[Tensor, Tensor]:
    data = moving_digits(split, count, **more)  # type: ignore[arg-type]
    assert isinstance(data.samples, Tensor)
    return data.samples, data.labels


def test_samples_are_those_of_the_specification_and_the_same_for_the_same_seed() -> None:
    x, labels = pixels("train", 400)
    assert x.shape == (400, *INPUTS.sample_shape) and x.dtype == torch.uint8
    assert len(CLASSES) == len(DIGITS) ** 2 and set(labels.tolist()) == set(range(16))
    assert torch.equal(x, pixels("train", 400)[0])
    assert not torch.equal(x, pixels("train", 400, seed=1)[0])
    intensities = x.float() / 255
    assert abs(float(intensities.mean()) - INPUTS.mean[0]) < 0.02
    assert abs(float(intensities.std()) - INPUTS.std[0]) < 0.02


def test_the_first_frames_tell_the_first_digit_and_the_way_a_share_of_the_last() -> None:
    x, labels = pixels("train", 6000)
    first, last = labels // len(DIGITS), labels % len(DIGITS)
    weight = x[:, :2, 0].float() - 60
    column = (weight.clamp(min=0) * torch.arange(16)).sum((2, 3)) / weight.clamp(min=0).sum((2, 3))
    goes_right = column[:, 1] > column[:, 0]
    foreseen = (first + torch.where(goes_right, 1, -1)) % len(DIGITS)
    share = float((foreseen == last).float().mean())
    # Of those that bounce between the first two frames the way looks like the other one.
    assert 0.5 < share < FORESEEABLE + (1 - FORESEEABLE) / 4 + 0.03
    for k in range(4):
        assert float((first == k).float().mean()) == pytest.approx(0.25, abs=0.03)


def test_a_background_stands_still_and_the_digit_covers_it() -> None:
    x, _ = pixels("test", 50, clutter=0.7)
    still = x[:, :, 0].float().std(1)  # over frames
    assert float(still.median()) < 0.15 * 255 and float(x.float().mean()) / 255 > 0.3


def test_no_digit_of_the_test_samples_is_in_the_training_samples() -> None:
    from zskt.frames.moving_digits import _digits

    train, test = _digits("train")[0], _digits("test")[0]
    assert len(train) + len(test) == 720 and len(train) > 2 * len(test)
    assert float(torch.cdist(test.flatten(1), train.flatten(1)).amin()) > 0.1
