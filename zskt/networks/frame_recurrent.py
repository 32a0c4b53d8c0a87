"""A recurrent network over frames: a small convolutional network reads each frame, a gated recurrent unit all of them.

K. Cho et al., arXiv:1406.1078, equations 5 to 8, as `torch.nn.GRU` has it; `zskt.networks.recurrent` is the same over
the particles of a jet. What it answers after t frames depends on nothing behind them.

Shapes: B samples, T frames, C channels, H = W pixels, F features, E features of a frame, M hidden units, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zskt.frames.inputs import FrameInputs


class FrameRecurrent(nn.Module):
    """Answer with f(h_T), h_t = GRU(h_(t-1), phi(x_t)).

    Args:
        inputs: of frames with pixels, or of a series, whose phi is a linear layer.
        outputs: K.
        channels: of the convolutions, each with stride 2; the last is E of a series.
        hidden: M.
    """

    attention_layers: tuple[str, ...] = ("places", "times")
    """Names of the submodules whose outputs carry the attention maps: features of the second convolution at all places
    of all frames, (B, C', T, h, w), or of a series' frames, (B, E, T); and the states, (B, M, T)."""

    def __init__(self, inputs: FrameInputs, outputs: int, channels: Sequence[int], hidden: int) -> None:
        super().__init__()
        if inputs.size:
            layers, size = _convolutions(inputs, channels)
            self.phi = layers[:MAPPED]
            self.rest = nn.Sequential(*layers[MAPPED:], _Pooled(_side_after(inputs.size, len(channels))))
        else:
            size = channels[-1]
            self.phi = nn.Sequential(nn.Linear(inputs.channels, size), nn.ReLU())
            self.rest = nn.Sequential()
        self.gru = nn.GRU(size, hidden, batch_first=True)
        self.f = nn.Linear(hidden, outputs)
        self.places, self.times = nn.Identity(), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C, H, W) or (B, T, F) -> logits (B, K)."""
        outputs: Tensor = self.f(self.states(x)[:, -1])
        return outputs

    def answers(self, x: Tensor) -> Tensor:
        """Return what it answers after each of the frames: (B, T, K)."""
        outputs: Tensor = self.f(self.states(x))
        return outputs

    def states(self, x: Tensor) -> Tensor:
        """Return h_t: (B, T, M)."""
        length = x.shape[1]
        features = self.phi(x.flatten(0, 1))
        if self.places._forward_hooks:
            self.places(features.unflatten(0, (-1, length)).transpose(1, 2))
        # Not unflatten(): in an exported graph it would fix the number of samples.
        states: Tensor = self.gru(self.rest(features).reshape(-1, length, self.gru.input_size))[0]
        if self.times._forward_hooks:
            self.times(states.transpose(1, 2))
        return states


MAPPED = 6
"""Layers of `FrameRecurrent` up to the one with a map: two convolutions, with what follows each."""


def _side_after(size: int, convolutions: int) -> int:
    for _ in range(convolutions):
        size = (size + 1) // 2
    return size


def _convolutions(inputs: FrameInputs, channels: Sequence[int]) -> tuple[nn.Sequential, int]:
    """Build convolutions of stride 2, and return with them E, the number of features behind `_Pooled`."""
    layers: list[nn.Module] = []
    for before, after in zip((inputs.channels, *channels[:-1]), channels, strict=True):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
    side = _side_after(inputs.size, len(channels))
    return nn.Sequential(*layers), channels[-1] * (side // max(1, side // 2)) ** 2


class _Pooled(nn.Module):
    """Average blocks, so that two or three are left along each axis, and lay them out in a row.

    Args:
        side: of what comes in, in pixels.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.block = max(1, side // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, E)."""
        return torch.flatten(nn.functional.avg_pool2d(x, self.block), 1)
