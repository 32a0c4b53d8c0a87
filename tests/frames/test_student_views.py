"""Views of frames: the first of them, and what changes."""

from __future__ import annotations

import pytest
import torch

from zskt.domains import DOMAINS
from zskt.errors import UserError
from zskt.frames.inputs import FrameInputs
from zskt.viewed import make_view

KINDS = DOMAINS["frames"].views
VIDEO = FrameInputs(length=4, size=2, mean=(0.5,), std=(0.25,))
SERIES = FrameInputs(length=4, mean=(0.5, 1.0), std=(0.25, 1.0))


@pytest.mark.parametrize("inputs", [VIDEO, SERIES])
def test_until_keeps_the_first_frames_and_gradients_to_them_alone(inputs: FrameInputs) -> None:
    view = make_view("until:3", inputs, KINDS)
    x = torch.randn(2, *inputs.sample_shape, requires_grad=True)
    (seen,) = view.transform(x)
    assert view.inputs.sample_shape == seen.shape[1:] and torch.equal(seen, x[:, :3])
    (gradient,) = torch.autograd.grad(seen.sum(), x)
    assert (gradient[:, :3] == 1).all() and (gradient[:, 3:] == 0).all()


def test_flow_is_nothing_where_nothing_moves_and_ends_as_it_begins() -> None:
    view = make_view("flow", SERIES, KINDS)
    x = torch.tensor([[[1.0, 0.0], [3.0, 0.0], [2.0, 0.0], [2.0, 5.0]]])
    assert view.transform(x)[0].tolist() == [[[0, 0], [2, 0], [-1, 0], [0, 5]]]
    assert view.inputs.mean == (0.0, 0.0) and view.inputs.std == SERIES.std and view.inputs.length == 4
    # Differences of normalised values are normalised differences.
    raw = torch.randn(3, 4, 2)
    (flow,) = view.transform(SERIES.normalised(raw))
    assert torch.allclose(view.inputs.values(flow)[:, 1:], raw[:, 1:] - raw[:, :-1], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("until:", "nothing frames: give a whole number from 1 to 4"),
        ("until:5", "5 frames: give a whole number from 1 to 4"),
        ("flow:2", "write flow alone"),
        ("untl:2", "did you mean until"),
    ],
)
def test_mistakes_are_told_in_a_line(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_view(name, VIDEO, KINDS)
