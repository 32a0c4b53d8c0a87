"""Small networks of images and of vectors, and the files that people keep them in."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn


class Pictures(nn.Module):
    """A convolutional network; channels behind, after a softmax, or in batches of one row of pixels, if asked."""

    def __init__(self, channels: int = 3, outputs: int = 4, *, last: bool = False, head: str = "logits") -> None:
        super().__init__()
        torch.manual_seed(7)
        self.first, self.norm = nn.Conv2d(channels, 6, 3, 2, 1), nn.BatchNorm2d(6)
        self.pool, self.linear = nn.AdaptiveAvgPool2d(2), nn.Linear(24, outputs)
        self.last, self.head = last, head

    def forward(self, x: Tensor) -> Tensor:
        if self.last:
            x = x.permute(0, 3, 1, 2)
        x = self.pool(torch.relu(self.norm(self.first(x))))
        return answered(20 * self.linear(x.flatten(1)), self.head)


class Rows(nn.Module):
    """A perceptron of vectors."""

    def __init__(self, features: int = 5, outputs: int = 3, *, head: str = "logits") -> None:
        super().__init__()
        torch.manual_seed(7)
        self.layers = nn.Sequential(nn.Linear(features, 8), nn.ReLU(), nn.Linear(8, outputs))
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        return answered(3 * self.layers(x), self.head)


def answered(logits: Tensor, head: str) -> Tensor:
    if head == "softmax":
        return logits.softmax(1)
    return logits.sigmoid() if head == "sigmoid" else logits


def write(network: nn.Module, x: Tensor, path: Path, *, any_batch: bool = True) -> Path:
    """Write a network as ONNX, TorchScript or torch.export, by the suffix."""
    network.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.suffix == ".onnx":
            axes = {"x": {0: "N"}} if any_batch else None
            torch.onnx.export(network, (x,), str(path), input_names=["x"], dynamic_axes=axes, dynamo=False)
        elif path.suffix == ".pt":
            torch.jit.trace(network, x).save(str(path))  # type: ignore[no-untyped-call]
        else:
            torch.export.save(torch.export.export(network, (x,)), str(path))
    return path
