"""Quantisation-aware training: weights, and the numbers that they multiply, on a grid of n bits.

B. Jacob et al., arXiv:1712.05877, section 3: forward passes see rounded numbers, s clamp(round(x / s), q_min, q_max),
and gradients pass rounding straight through, but for what is clamped (Y. Bengio et al., arXiv:1308.3432). PyTorch's
own operator computes both. The scale s is a power of two: these are fixed-point numbers, ``ap_fixed`` of an FPGA, and
products of them are exact.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from zskt.networks.folding import Product

INPUT_BITS = 16
"""Bits of the inputs of the network, as an FPGA takes them."""
N_TRIED = 4
"""Scales that are tried, each half of the one before: small numbers are met better where few large ones are clamped."""


class FixedPoint(nn.Module):
    """Round to numbers of n bits: whole multiples of 2^exponent, from `low` to `high` of them.

    Args:
        bits: n.
        of_weight: the weights of a product: symmetric. Otherwise inputs of one, whose range and sign are chosen when
            `calibrating` is set.
    """

    exponent: Tensor
    low: Tensor
    high: Tensor

    def __init__(self, bits: int, *, of_weight: bool) -> None:
        super().__init__()
        self.bits, self.of_weight, self.calibrating = bits, of_weight, False
        self._grid: tuple[int, int, float] | None = None
        self.register_buffer("exponent", torch.zeros(()))
        self.register_buffer("low", torch.tensor(1.0 - 2 ** (bits - 1)))
        self.register_buffer("high", torch.tensor(2.0 ** (bits - 1) - 1))

    @property
    def grid(self) -> tuple[int, int, float]:
        """The smallest and the largest whole number, and the distance of neighbours, s."""
        if self._grid is None:  # kept as numbers: reading them from a GPU each time would wait for it
            self._grid = int(self.low), int(self.high), 2.0 ** int(self.exponent)
        return self._grid

    def forward(self, x: Tensor) -> Tensor:
        """Return the nearest numbers on the grid."""
        if self.calibrating:
            self.calibrating = False  # while it tries scales, which asks it to round
            self.fit(x)
            self.calibrating = True
        low, high, scale = self.grid
        if not torch.is_grad_enabled() or torch.onnx.is_in_onnx_export():
            return torch.clamp(torch.round(x / scale), low, high) * scale
        return torch.fake_quantize_per_tensor_affine(x, scale, 0, low, high)

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Choose sign and scale so that the mean square error is least, among a few scales from the largest value."""
        unsigned = not self.of_weight and bool((x >= 0).all())
        self.low.fill_(0.0 if unsigned else 1.0 - 2 ** (self.bits - 1))
        self.high.fill_(2.0**self.bits - 1 if unsigned else 2.0 ** (self.bits - 1) - 1)
        self._grid = None
        largest = float(x.abs().max())
        if not largest:
            return
        top = math.ceil(math.log2(largest / float(self.high)))
        errors = []
        for exponent in range(top, top - N_TRIED, -1):
            self.exponent.fill_(exponent)
            self._grid = None
            errors.append(float((self(x) - x).square().mean()))
        self.exponent.fill_(top - errors.index(min(errors)))
        self._grid = None

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._grid = None


def quantised(product: Product, bits: int, *, reads_inputs: bool) -> nn.Sequential:
    """Return a product behind the rounding of what it takes, its own weights rounded.

    Args:
        reads_inputs: it takes the inputs of the network, which keep `INPUT_BITS`.
    """
    weight = FixedPoint(bits, of_weight=True)
    weight.fit(product.weight)
    parametrize.register_parametrization(product, "weight", weight)
    return nn.Sequential(FixedPoint(max(bits, INPUT_BITS) if reads_inputs else bits, of_weight=False), product)
