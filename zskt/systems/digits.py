"""MNIST as tensors, for published experiments on it.

Shapes: N images.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from zskt.images.datasets import read_images
from zskt.networks.mlp import MLP


class Digits(NamedTuple):
    """Images and their digits."""

    x: Tensor
    """(N, 1, 28, 28), intensities in [0, 1]."""
    labels: Tensor
    """(N,), of int64."""

    def rows(self, index: Tensor) -> Digits:
        """Return some of the images."""
        return Digits(self.x[index], self.labels[index])


@cache
def digits(place: Path | None, split: str, data: str = "mnist") -> Digits:
    """Read a split, "train" or "test".

    Raises:
        UserError: if the images cannot be had.
    """
    read = read_images(data, place, "train" if split == "train" else "test")
    assert isinstance(read.samples, Tensor)
    return Digits(read.samples.float() / 255, read.labels)


def some(data: Digits, count: int, seed: int) -> Digits:
    """Draw images at random, without regard to their digits."""
    order = torch.randperm(len(data.labels), generator=torch.Generator().manual_seed(seed))
    return data.rows(order[:count])


def some_of_each(data: Digits, count: int, seed: int) -> Digits:
    """Draw so many images of each digit."""
    order = torch.randperm(len(data.labels), generator=torch.Generator().manual_seed(seed))
    classes = data.labels[order]
    return data.rows(torch.cat([order[classes == k][:count] for k in range(10)]))


def perceptron(pixels: int, hidden: tuple[int, ...]) -> nn.Module:
    """Build a multilayer perceptron of pixels: (N, ...) -> (N, 10)."""
    return nn.Sequential(nn.Flatten(), MLP(pixels, hidden, 10))
