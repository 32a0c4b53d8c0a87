"""Tell whether a network's answer about a sample depends on the others in its batch.

Batch normalisation that was exported in training mode takes mean and spread from the batch that it is asked about.

Shapes: B samples, O outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from zskt.errors import UserError
from zskt.outputs import raw_outputs, relative_differences

COMPANY_TOLERANCE = 0.02
"""How far answers about a sample may be apart in other company, in units of an output's size. Sums in another order
move those of 32 bits by 1e-6, of float16 by 0.001, of bfloat16 by 0.004 at a step; 8 bits that are scaled by the batch
by about 0.01. Statistics of another batch move most answers by more than all of these."""
SHARE = 0.25
"""Share of the samples that may be further apart: neighbour searches with ties, in padding, fall either way."""
SIZES = (1, 4)
"""Samples that are asked about by themselves. Some networks run on no single one, as batch normalisation in training
mode does."""
N_ASKED = 8
"""Samples that are asked about again."""


@torch.no_grad()
def depends_on_company(network: nn.Module, x: Sequence[Tensor], outputs: Tensor) -> bool:
    """Return whether a network answers otherwise about the first samples in smaller batches.

    Args:
        network: answers with one tensor (B, O), or several.
        x: its inputs, (B, ...) each.
        outputs: (B, O), its answers to all of them at once.
    """
    for size in SIZES:
        asked = min(N_ASKED, len(outputs)) // size * size
        if size >= len(outputs) or not asked:
            continue
        try:
            pieces = [raw_outputs(network, [t[i : i + size] for t in x]) for i in range(0, asked, size)]
        except Exception:  # networks raise whatever their operators do; that it needs company is no fault
            continue
        far = _differences(torch.cat(pieces), outputs, asked) > COMPANY_TOLERANCE
        return float(far.float().mean()) > SHARE
    return False


def _differences(again: Tensor, outputs: Tensor, asked: int) -> Tensor:
    """Return how far the first answers are apart, in units of all answers' sizes: (asked, O), (B, O) -> (asked,)."""
    padded = torch.cat([again, outputs[asked:]])
    return relative_differences(padded, outputs)[:asked]


def require_independent(network: nn.Module, x: Sequence[Tensor], outputs: Tensor, path: Path, unit: str) -> None:
    """Raise `UserError` if a network's answers about a sample, a ``unit`` in words, depend on the others in its batch.

    A sample is then asked about alone and in company; see `depends_on_company`.
    """
    if depends_on_company(network, x, outputs):
        raise UserError(
            f"{path}: answers otherwise about one {unit} when others are in its batch, so batch normalisation is still "
            "in training mode; export it in evaluation mode"
        )
