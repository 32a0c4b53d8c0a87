"""Grids of images."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure

from teachers.images import IMAGES
from zskt.contracts import PseudoBatch
from zskt.dataset import Labelled
from zskt.images.grids import grid, tiled


def test_images_become_one_picture_that_is_clipped() -> None:
    axes = Figure().subplots()
    tiled(axes, torch.tensor([-1.0, 0.25, 2.0]).view(3, 1, 1, 1).expand(3, 1, 5, 5), "pseudo-images")
    pixels = axes.images[0].get_array()
    assert pixels.shape == (7, 19, 3)  # three images of 5 x 5, and lines of one pixel around each
    assert [float(pixels[3, column, 0]) for column in (3, 9, 15)] == [0.0, 0.25, 1.0]
    assert axes.get_title() == "pseudo-images"


def test_without_real_images_pseudo_images_stand_alone() -> None:
    card, batch = IMAGES["mnist-lenet5"], PseudoBatch((torch.zeros(40, 1, 32, 32),))
    assert [axes.get_title() for axes in grid(batch, None, card).axes] == ["pseudo-images"]
    real = Labelled(torch.zeros(3, 1, 28, 28, dtype=torch.uint8), torch.zeros(3, dtype=torch.long))
    assert [axes.get_title() for axes in grid(batch, real, card).axes] == ["pseudo-images", "real images"]


def test_images_of_two_channels_are_drawn_as_their_mean() -> None:
    import torch
    from matplotlib.figure import Figure

    from zskt.images.grids import tiled

    axes = Figure().add_subplot()
    tiled(axes, torch.tensor([0.2, 0.6]).view(1, 2, 1, 1).expand(1, 2, 4, 4), "")
    drawn = axes.images[0].get_array()
    assert drawn is not None and abs(float(drawn[2, 2, 0]) - 0.4) < 1e-6
