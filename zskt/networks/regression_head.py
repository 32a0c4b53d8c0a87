"""Outputs of a student that are regressed values.

Shapes: B jets, K classes, R regressed values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from zskt.gaussian import MIN_WIDTH, GaussianHead


class RegressionHead(nn.Module):
    """A student whose last R outputs are values in units of the spread of the teacher's.

    A width that cannot be negative is the exponential of what the network puts out, in units of the spread of the
    logarithm.

    Args:
        network: with K + R outputs.
        regressions: R.
        gaussians: which of the values are mean and width of one.
    """

    centre: Tensor
    """(R,), mean of the teacher's values; of widths, of their logarithm."""
    scale: Tensor
    """(R,), standard deviation of the teacher's values; of widths, of their logarithm."""

    calibrates_on = "values"

    def __init__(self, network: nn.Module, regressions: int, gaussians: Sequence[GaussianHead] = ()) -> None:
        super().__init__()
        self.network, self.regressions, self.gaussians = network, regressions, tuple(gaussians)
        self.bernoulli = bool(getattr(network, "bernoulli", False))
        self._positive = frozenset(head.width for head in self.gaussians if head.form.is_positive)
        self.attention_layers = tuple(f"network.{name}" for name in getattr(network, "attention_layers", ()))
        self.register_buffer("centre", torch.zeros(regressions))
        self.register_buffer("scale", torch.ones(regressions))

    def calibrate(self, values: Tensor) -> None:
        """Take centre and scale from values (B, R) of the teacher."""
        values = self._by_column(values, lambda width: width.clamp(min=MIN_WIDTH).log())
        self.centre.copy_(values.mean(0))
        self.scale.copy_(values.std(0).clamp(min=1e-6))

    def forward(self, *x: Tensor) -> Tensor:
        """Return logits and values in the teacher's units: (B, K + R)."""
        outputs = self.network(*x)
        logits, values = outputs[:, : -self.regressions], outputs[:, -self.regressions :]
        values = self._by_column(self.centre + self.scale * values, torch.exp)
        return torch.cat([logits, values], 1)

    def _by_column(self, values: Tensor, of_width: Callable[[Tensor], Tensor]) -> Tensor:
        """Apply a function to those of the values (B, R) that are widths and cannot be negative."""
        if not self._positive:
            return values
        columns = enumerate(values.unbind(1))
        return torch.stack([of_width(column) if i in self._positive else column for i, column in columns], 1)
