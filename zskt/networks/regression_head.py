"""Outputs of a student that are regressed values.

Shapes: B jets, K classes, R regressed values.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RegressionHead(nn.Module):
    """A student whose last R outputs are values in units of the spread of the teacher's.

    Args:
        network: with K + R outputs.
        regressions: R.
    """

    centre: Tensor
    """(R,), mean of the teacher's values."""
    scale: Tensor
    """(R,), standard deviation of the teacher's values."""

    def __init__(self, network: nn.Module, regressions: int) -> None:
        super().__init__()
        self.network, self.regressions = network, regressions
        self.attention_layers = tuple(f"network.{name}" for name in getattr(network, "attention_layers", ()))
        self.register_buffer("centre", torch.zeros(regressions))
        self.register_buffer("scale", torch.ones(regressions))

    def calibrate(self, values: Tensor) -> None:
        """Take centre and scale from values (B, R) of the teacher."""
        self.centre.copy_(values.mean(0))
        self.scale.copy_(values.std(0).clamp(min=1e-6))

    def forward(self, *x: Tensor) -> Tensor:
        """Return logits and values in the teacher's units: (B, K + R)."""
        outputs = self.network(*x)
        logits, values = outputs[:, : -self.regressions], outputs[:, -self.regressions :]
        return torch.cat([logits, self.centre + self.scale * values], 1)
