"""The formats of a quantised student as hls4ml writes them: ``ap_fixed<bits, bits before the point>``.

Rounding to a grid is no layer of the firmware: a layer in front puts out numbers of that format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import nn

from zskt.networks.compression.fixed_point import FixedPoint
from zskt.networks.folding import Product

INPUT = "input_1"
"""hls4ml's name of the input of a network."""


def split_formats(
    layers: nn.Sequential, weights: Sequence[FixedPoint]
) -> tuple[nn.Sequential, dict[str, dict[str, str]]]:
    """Separate the layers of a network from the formats of the numbers between them.

    Args:
        layers: products and what is between, with `FixedPoint` in front of products that are quantised.
        weights: the format of each product's weights; empty if there is none.

    Returns:
        the layers alone, and for each layer, by hls4ml's name, the formats of its "weight" and "result".
    """
    bare: list[nn.Module] = []
    formats: dict[str, dict[str, str]] = {}
    of_weight = iter(weights)
    for layer in _flat(layers):
        if isinstance(layer, FixedPoint):
            formats.setdefault(f"_{len(bare) - 1}" if bare else INPUT, {})["result"] = as_ap_fixed(layer)
            continue
        if isinstance(layer, Product) and weights:
            formats.setdefault(f"_{len(bare)}", {})["weight"] = as_ap_fixed(next(of_weight))
        bare.append(layer)
    return nn.Sequential(*bare), formats


def as_ap_fixed(fmt: FixedPoint) -> str:
    """Write a format: the last bit is worth 2^exponent, so that bits + exponent of them are before the point."""
    low, _, _ = fmt.grid
    kind, saturation = ("ap_fixed", "AP_SAT_SYM") if low < 0 else ("ap_ufixed", "AP_SAT")
    return f"{kind}<{fmt.bits},{fmt.bits + int(fmt.exponent)},AP_RND_CONV,{saturation}>"


def _flat(layers: nn.Sequential) -> Iterator[nn.Module]:
    """Yield the layers of sequences in sequences."""
    for layer in layers:
        if isinstance(layer, nn.Sequential):
            yield from _flat(layer)
        else:
            yield layer
