"""Quantisation-aware training: weights, and the numbers that they multiply, on a grid of n bits.

B. Jacob et al., arXiv:1712.05877, section 3: forward passes see rounded numbers, s clamp(round(x / s), q_min, q_max),
and gradients pass rounding straight through, but for what is clamped (Y. Bengio et al., arXiv:1308.3432). PyTorch's
own operator computes both. The scale s is a power of two: these are fixed-point numbers, ``ap_fixed`` of an FPGA, and
products of them are exact.
"""

from __future__ import annotations

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
        self._limits: tuple[int, int] | None = None
        self.register_buffer("exponent", torch.zeros(()))
        self.register_buffer("low", torch.tensor(1.0 - 2 ** (bits - 1)))
        self.register_buffer("high", torch.tensor(2.0 ** (bits - 1) - 1))

    @property
    def scale(self) -> Tensor:
        """The distance of neighbours on the grid, s."""
        return torch.exp2(self.exponent)

    def forward(self, x: Tensor) -> Tensor:
        """Return the nearest numbers on the grid."""
        if self.calibrating:
            self.fit(x)
        if not torch.is_grad_enabled() or torch.onnx.is_in_onnx_export():
            return self.rounded(x, self.exponent)
        zero = torch.zeros((), dtype=torch.int32, device=x.device)
        return torch.fake_quantize_per_tensor_affine(x, self.scale, zero, *self.limits)

    @property
    def limits(self) -> tuple[int, int]:
        """The smallest and the largest whole number on the grid."""
        if self._limits is None:  # kept as numbers: reading them from a GPU each time would wait for it
            self._limits = int(self.low), int(self.high)
        return self._limits

    def rounded(self, x: Tensor, exponent: Tensor) -> Tensor:
        """Return the nearest numbers on the grid of a scale, without gradient."""
        scale = torch.exp2(exponent)
        return torch.clamp(torch.round(x / scale), *self.limits) * scale

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Choose sign and scale so that the mean square error is least, among a few scales from the largest value."""
        self._limits = None
        if not self.of_weight:
            unsigned = bool((x >= 0).all())
            self.low.fill_(0.0 if unsigned else 1.0 - 2 ** (self.bits - 1))
            self.high.fill_(2.0**self.bits - 1 if unsigned else 2.0 ** (self.bits - 1) - 1)
        largest = x.abs().max()
        if not largest > 0:
            return
        top = torch.ceil(torch.log2(largest / self.high))
        tried = [top - i for i in range(N_TRIED)]
        errors = torch.stack([(self.rounded(x, exponent) - x).square().mean() for exponent in tried])
        self.exponent.copy_(tried[int(errors.argmin())])

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._limits = None


def quantised(product: Product, bits: int, *, reads_inputs: bool) -> nn.Sequential:
    """Return a product behind the rounding of what it takes, its own weights rounded.

    Args:
        reads_inputs: it takes the inputs of the network, which keep `INPUT_BITS`.
    """
    weight = FixedPoint(bits, of_weight=True)
    weight.fit(product.weight)
    parametrize.register_parametrization(product, "weight", weight)
    return nn.Sequential(FixedPoint(max(bits, INPUT_BITS) if reads_inputs else bits, of_weight=False), product)
