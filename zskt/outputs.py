"""The raw outputs of networks from files, and how far those of two forms of a network are apart.

Shapes: B samples, O outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

TIE_TOLERANCE = 1e-4
"""Outputs that differ by more are of jets with ties in their neighbour search, where either order is right."""


def as_outputs(result: Any) -> tuple[Tensor, ...]:
    """Return what a network answers, a tensor, several, or a table of them, as a tuple of tensors."""
    if isinstance(result, Tensor):
        return (result,)
    return tuple(result.values() if isinstance(result, dict) else result)


def names_of(result: Any) -> tuple[str, ...]:
    """Return the names of what a network answers, if it is a table of tensors; none of others."""
    return tuple(map(str, result)) if isinstance(result, dict) else ()


def raw_outputs(network: nn.Module, x: Sequence[Tensor]) -> Tensor:
    """Return all outputs of a network side by side: (B, O).

    Args:
        x: its inputs, (B, ...) each.
    """
    outputs = as_outputs(network(*x))
    return torch.cat([output.reshape(len(x[0]), -1).float() for output in outputs], 1)


def relative_differences(outputs: Tensor, expected: Tensor) -> Tensor:
    """Return each sample's largest difference from the expected outputs, in units of an output's size: (B, O) -> (B,).

    The size is the largest of an output over the samples, and 1 at least.
    """
    size = expected.abs().amax(0).clamp(min=1.0)
    return ((outputs - expected) / size).abs().amax(1)


@torch.no_grad()
def largest_differences(network: nn.Module, x: Sequence[Tensor], expected: Tensor) -> Tensor:
    """Return `relative_differences` of a network's raw outputs for inputs x from expected ones, (B, O): (B,)."""
    return relative_differences(raw_outputs(network, x), expected)


def describe_differences(network: nn.Module, x: Sequence[Tensor], expected: Tensor, other: str) -> str:
    """Say how many of the jets ``x`` get other outputs than expected (B, O), those of ``other``."""
    count = int((largest_differences(network, x, expected) > TIE_TOLERANCE).sum())
    return f"{count} of {len(expected)} random jets differ from {other} by more than {TIE_TOLERANCE:g}"
