"""Motion: positions against a walk step by step, patches against pixels set by hand."""

from __future__ import annotations

import pytest
import torch

from zskt.frames.motion import bounced, placed


def test_things_are_thrown_back_by_the_walls_as_if_followed_step_by_step() -> None:
    start, velocity, room = torch.tensor([[1.0, 7.5]]), torch.tensor([[2.5, 1.0]]), 8.0
    position, pace, walked = start.clone(), velocity.clone(), [start.clone()]
    for _ in range(11):
        position = position + pace
        for d in range(2):
            if position[0, d] > room:
                position[0, d], pace[0, d] = 2 * room - position[0, d], -pace[0, d]
            elif position[0, d] < 0:
                position[0, d], pace[0, d] = -position[0, d], -pace[0, d]
        walked.append(position.clone())
    assert torch.allclose(bounced(start, velocity, 12, room)[0], torch.cat(walked), atol=1e-5)


def test_a_patch_lies_on_its_pixels_and_between_them_in_shares() -> None:
    patch = torch.tensor([[[1.0, 0.0], [0.0, 0.5]]])
    frames = placed(patch, torch.tensor([[[1.0, 2.0], [0.5, 0.0], [9.0, 9.0]]]), 4)
    expected = torch.zeros(4, 4)
    expected[2, 1], expected[3, 2] = 1.0, 0.5
    assert torch.equal(frames[0, 0], expected)
    assert frames[0, 1, 0].tolist() == [0.5, 0.5, 0.0, 0.0] and frames[0, 1, 1].tolist() == [0.0, 0.25, 0.25, 0.0]
    assert (frames[0, 2] == 0).all()


def test_a_smaller_patch_is_as_bright_and_covers_less() -> None:
    frames = placed(torch.ones(2, 8, 8), torch.full((2, 1, 2), 2.0), 8, torch.tensor([0.5, 0.25]))
    assert frames.sum((1, 2, 3)).tolist() == pytest.approx([16.0, 4.0])
    assert float(frames[0, 0, 3:5, 3:5].min()) == pytest.approx(1.0)


def test_places_scales_and_patches_have_the_gradients_of_differences() -> None:
    patch = torch.rand(1, 3, 3, dtype=torch.double, requires_grad=True)
    start = torch.tensor([[1.1, 2.3]], dtype=torch.double, requires_grad=True)
    velocity = torch.tensor([[0.83, -0.61]], dtype=torch.double, requires_grad=True)
    scale = torch.tensor([0.7], dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda p, s, v, k: placed(p, bounced(s, v, 5, 3.0), 6, k), (patch, start, velocity, scale)
    )
