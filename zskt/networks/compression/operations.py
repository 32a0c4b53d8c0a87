"""What a network costs: products (MACs), bit operations, and an estimate of the LUTs of an FPGA.

Bit operations: C. Baskin et al., arXiv:1804.10969, and with zeros B. Hawks et al., arXiv:2102.11289:
m n ((1 - f) b_a b_w + b_a + b_w + log2 n) for a product of n numbers of b_a bits with m rows of weights of b_w bits,
a share f of which is zero. Effective bit operations, b_a times the bits between the first and the last that is set in
each weight, come close to LUTs + 55 DSPs of a fully unrolled design (C. Sun et al., arXiv:2405.00645).

Shapes: m outputs, n inputs of a product, with the positions of its kernel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from zskt.contracts import Batch
from zskt.networks.compression.compressed import FLOAT_BITS, products
from zskt.networks.compression.fixed_point import FixedPoint
from zskt.networks.folding import Product


@dataclass(frozen=True, kw_only=True)
class Operations:
    """What one sample costs."""

    macs: int
    """Products of a weight and a number, zeros among the weights included."""
    bit_operations: int
    effective_bit_operations: int | None
    """None of networks that are not quantised."""


@torch.no_grad()
def count_operations(network: nn.Module, x: Batch) -> Operations:
    """Count what a network does for one sample.

    Args:
        x: one sample, (1, ...) each, as large as the network takes.
    """
    seen: list[tuple[Product, int, int]] = []  # product, positions, bits of what it takes
    before: list[int] = [FLOAT_BITS]

    def format_hook(module: nn.Module, _inputs: Any, _output: Tensor) -> None:
        before.append(module.bits)  # type: ignore[arg-type]

    def product_hook(module: nn.Module, _inputs: Any, output: Tensor) -> None:
        assert isinstance(module, Product)
        seen.append((module, output.numel() // len(module.weight), before.pop() if len(before) > 1 else FLOAT_BITS))

    formats = [m for m in network.modules() if isinstance(m, FixedPoint) and not m.of_weight]
    handles = [m.register_forward_hook(format_hook) for m in formats]
    handles += [p.register_forward_hook(product_hook) for p in products(network).values()]
    training = network.training
    try:
        network.eval()(*x)
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    effective = [_effective(product, positions, bits) for product, positions, bits in seen]
    known = [count for count in effective if count is not None]
    return Operations(
        macs=sum(product.weight.numel() * positions for product, positions, _ in seen),
        bit_operations=round(sum(bit_operations(product, bits) * positions for product, positions, bits in seen)),
        effective_bit_operations=sum(known) if known and len(known) == len(effective) else None,
    )


def bit_operations(product: Product, bits: int) -> float:
    """Return the bit operations of a product at one position, on numbers of so many bits."""
    m, n = product.weight.flatten(1).shape
    weight_bits = _weight_bits(product)
    zeros = float((product.weight == 0).double().mean())
    return m * n * ((1 - zeros) * bits * weight_bits + bits + weight_bits + math.log2(n))


def weight_formats(network: nn.Module) -> list[FixedPoint]:
    """Return the formats of the weights of a network's products, in their order; empty if they are not quantised."""
    formats = [_format(product) for product in products(network).values()]
    return [fmt for fmt in formats if fmt is not None]


def _format(product: Product) -> FixedPoint | None:
    """Return the format of a product's weights; None where they are floating-point numbers."""
    if not parametrize.is_parametrized(product, "weight"):
        return None
    held = [p for p in product.parametrizations.weight if isinstance(p, FixedPoint)]  # type: ignore[union-attr]
    return held[0] if held else None


def _weight_bits(product: Product) -> int:
    fmt = _format(product)
    return FLOAT_BITS if fmt is None else fmt.bits


def _effective(product: Product, positions: int, bits: int) -> int | None:
    fmt = _format(product)
    if fmt is None:
        return None
    return positions * bits * int(enclosed_bits((product.weight / fmt.grid[2]).round()).sum())


def enclosed_bits(whole: Tensor) -> Tensor:
    """Count the bits from the first to the last that is set in the magnitude of whole numbers: 12 is 1100, two bits."""
    magnitude = whole.abs().long()
    length = torch.where(magnitude > 0, torch.floor(torch.log2(magnitude.clamp(min=1).double())) + 1, 0.0)
    lowest = (magnitude & -magnitude).clamp(min=1)
    return (length - torch.log2(lowest.double())).where(magnitude > 0, torch.zeros(())).long()
