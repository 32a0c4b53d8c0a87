"""Layers on a canvas."""

from __future__ import annotations

import torch

from generators.images.canvas import Canvas, Layer


def layer(**changes: torch.Tensor) -> Layer:
    one, zero = torch.ones(1), torch.zeros(1)
    flat = Layer(
        x=zero, y=zero, radius=5 * one, aspect=one, angle=zero, power=2 * one, lobes=torch.zeros(1, 4),
        paint=zero.long(), tint=torch.zeros(1, 3), shade=torch.zeros(1, 2), texture=zero, slope=one,
    )  # fmt: skip
    return flat._replace(**changes)


def test_a_leaf_covers_its_area_where_it_lies_and_hides_what_is_below() -> None:
    canvas = Canvas(32, torch.Generator().manual_seed(0))
    disc = canvas.covered(layer())
    assert abs(disc.sum().item() - torch.pi * 25) < 8
    assert torch.equal(disc, disc.flip(1)) and torch.equal(disc, disc.mT)
    moved = canvas.covered(layer(x=torch.tensor([4.0])))
    assert torch.equal(moved[:, :, 4:], disc[:, :, :-4])
    wide = canvas.covered(layer(aspect=torch.tensor([2.0])))
    assert wide.any(1).sum() == 20 and abs(wide.any(2).sum() - 5) <= 1
    assert not canvas.covered(layer(radius=torch.tensor([-1.0]))).any()
    red, grey = torch.tensor([[[1.0, 0.0, 0.0]]]), torch.full((1, 3, 32, 32), 0.5)
    painted = canvas.put(grey, layer(), red)
    assert torch.equal(painted[0, :, 16, 16], red[0, 0]) and torch.equal(painted[0, :, 0, 0], grey[0, :, 0, 0])
