"""What of a finished run leaves by mode ``export``, and on what it is checked, calibrated and timed.

Shapes: B samples, K classes, R regressed values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from generators import GENERATORS
from zskt.checkpoint import read_checkpoint
from zskt.experiments.finished import FinishedRun

Batch = tuple[Tensor, ...]
SEVERAL = 3
"""Samples to trace a network with: any number but one, which would broadcast."""


@dataclass(frozen=True, kw_only=True)
class ExportSpec:
    """A student on its way out; inputs are given in the order of ``names``, masks as numbers."""

    network: nn.Module
    """-> (B, K + R): probabilities and values, in the order of ``outputs``."""
    names: tuple[str, ...]
    """Of its inputs."""
    axes: tuple[dict[int, str], ...]
    """Of each input, the axes that may have any length, and what they count."""
    outputs: tuple[str, ...]
    random: Callable[[int], Batch]
    """So many random samples."""
    full: Callable[[int], Batch]
    """So many as large as the network takes: the worst case of a trigger."""
    samples: Callable[[int], Batch]
    """The first of those that the run is judged on."""
    pseudo: Batch
    """Pseudo-samples: what an int8 student is calibrated on."""
    describe: Callable[[set[str]], dict[str, Any]]
    """Names of the inputs that the network uses -> its ``preprocess.json``."""
    teacher: Callable[[Path], tuple[Path, str] | None]
    """Folder -> a file with the teacher in ONNX, taking inputs of the same names, and whose file it is; or None."""
    ties: bool = False
    """Whether it looks for neighbours: where two are equally far, each runtime may take another one."""


@torch.no_grad()
def pseudo_samples(found: FinishedRun, count: int, otherwise: str) -> Batch:
    """What the run's generator makes, as it was at the end if the checkpoint is still there; no data is needed.

    Args:
        otherwise: the generator of a run that had none.
    """
    config = found.config
    played = config.generator in GENERATORS
    generator = GENERATORS[config.generator if played else otherwise].build(found.judge.card.inputs)
    assert isinstance(generator, nn.Module)
    checkpoint = found.run / "checkpoint.pt"
    if played and checkpoint.is_file():
        learned = read_checkpoint(checkpoint)["parts"].get("generator")
        generator.load_state_dict(generator.state_dict() if learned is None else learned)
    rng = torch.Generator().manual_seed(config.seed)
    z = torch.randn(round(count / generator.acceptance), generator.latent_size, generator=rng)
    x: Batch = generator(z, rng).x
    return as_numbers(x)


def as_numbers(x: Sequence[Tensor]) -> Batch:
    """Masks as numbers, as they are fed elsewhere."""
    return tuple(t.float() for t in x)
