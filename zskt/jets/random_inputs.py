"""Random inputs for networks that are not known yet, and how far their answers are apart.

Shapes: B jets, C variables, P entries, O outputs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zskt.jets.preprocess import UNBOUNDED, InputGroup

ENERGY = re.compile(r"(^|_)(e|energy)$", re.IGNORECASE)


def raw_answer(network: nn.Module, x: Sequence[Tensor]) -> Tensor:
    """All outputs of a network side by side: (B, O)."""
    said = network(*x)
    if isinstance(said, dict):
        said = list(said.values())
    outputs = (said,) if isinstance(said, Tensor) else tuple(said)
    return torch.cat([output.reshape(len(x[0]), -1).float() for output in outputs], 1)


TIE = 1e-4
"""Answers that differ by more are of jets with ties in their neighbour search, where either order is right."""


@torch.no_grad()
def apart(network: nn.Module, x: Sequence[Tensor], expected: Tensor) -> Tensor:
    """Largest difference of each jet's answers from the expected ones (B, O), in units of an output's size: (B,)."""
    size = expected.abs().amax(0).clamp(min=1.0)
    return ((raw_answer(network, x) - expected) / size).abs().amax(1)


def compared(network: nn.Module, x: Sequence[Tensor], expected: Tensor, with_what: str) -> str:
    """How many of the jets ``x`` get another answer than expected (B, O), in words."""
    off = int((apart(network, x, expected) > TIE).sum())
    return f"{off} of {len(expected)} random jets differ from {with_what} by more than {TIE:g}"


def random_inputs(groups: Sequence[InputGroup], jets: int, seed: int = 0) -> tuple[Tensor, ...]:
    """Normal numbers in the bounds of each variable; entries of one collection are masked alike. (B, C, P) each."""
    rng = torch.Generator().manual_seed(seed)
    lengths: dict[str, Tensor] = {}
    for group in groups:
        drawn = torch.randint(group.min_length, group.max_length + 1, (jets, 1), generator=rng)
        lengths.setdefault(group.collection, drawn)
    found = []
    for group in groups:
        real = torch.arange(group.max_length) < lengths[group.collection].clamp(max=group.max_length)
        x = torch.randn(jets, len(group.variables), group.max_length, generator=rng)
        for i, variable in enumerate(group.variables):
            if ENERGY.search(variable.name) and variable.upper_bound >= UNBOUNDED:
                x[:, i] = x[:, i].abs() + 10  # more than any momentum drawn: networks take logarithms of masses
        bounds = torch.tensor([[max(v.lower_bound, -1e6), min(v.upper_bound, 1e6)] for v in group.variables])
        x = torch.ones_like(x) if group.is_mask else x.clamp(bounds[:, :1], bounds[:, 1:])
        x = x * real.unsqueeze(1)
        found.append(x[:, :, 0] if group.flat else x)
    return tuple(found)
