"""The statistics of a teacher's batch normalisations, as a prior for pseudo-samples.

H. Yin et al., "Dreaming to distil", arXiv:1912.08795, equation 4, in units of the running standard deviation so that
every channel counts alike.

Shapes: B batch, C channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from zskt.parallel import collectives

Normalisation = nn.modules.batchnorm._BatchNorm


def normalisations(network: nn.Module) -> list[Normalisation]:
    """List the batch normalisations of a network that hold running means and variances."""
    return [m for m in network.modules() if isinstance(m, Normalisation) and m.running_mean is not None]


def mismatch(x: Tensor, layer: Normalisation) -> Tensor:
    """Compare the batch statistics of x (B, C, ...) with a layer's running ones: a scalar.

    It is the mean over channels of the squared deviations of mean and standard deviation.
    """
    assert layer.running_mean is not None and layer.running_var is not None
    rest = [0, *range(2, x.ndim)]
    spread = (layer.running_var + layer.eps).sqrt()
    of_rank, variance = x.mean(rest), x.var(rest, correction=0)
    mean = collectives.mean(of_rank)
    if mean is not of_rank:  # of several ranks
        variance = collectives.mean(variance + (of_rank - mean).square())
    shift = (mean - layer.running_mean) / spread
    variance = (variance + layer.eps).clamp(min=torch.finfo(x.dtype).tiny)  # of no eps, too
    stretch = variance.sqrt() / spread - 1
    return (shift.square() + stretch.square()).mean()


@contextmanager
def capture_bn_statistics(network: nn.Module | None) -> Iterator[list[Tensor]]:
    """Collect the `mismatch` of every batch normalisation of ``network`` while it runs; of None, nothing."""
    mismatches: list[Tensor] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, Normalisation)
        mismatches.append(mismatch(inputs[0], module))

    handles = [layer.register_forward_pre_hook(note) for layer in normalisations(network or nn.Identity())]
    try:
        yield mismatches
    finally:
        for handle in handles:
            handle.remove()
