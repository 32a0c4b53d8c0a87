"""The statistics of a teacher's batch normalisations, as a prior for pseudo-samples.

H. Yin et al., "Dreaming to distil", arXiv:1912.08795, equation 4, in units of the running standard deviation so that
every channel counts alike.

Shapes: B batch, C channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from zskt.errors import UserError
from zskt.parallel import collectives

Normalisation = nn.modules.batchnorm._BatchNorm


def normalisations(network: nn.Module) -> list[Normalisation]:
    """List the batch normalisations of a network that hold running means and variances."""
    return [m for m in network.modules() if isinstance(m, Normalisation) and m.running_mean is not None]


def require_normalisations(layers: Sequence[Normalisation], setting: str, weight: float) -> None:
    """Raise `UserError` if a teacher shows no batch normalisation whose statistics could be compared.

    Args:
        layers: those that were found.
        setting: name of the setting that asks for statistics.
        weight: its value.
    """
    if not layers:
        raise UserError(
            f"{setting} is {weight}, but the teacher has no batch normalisation; set {setting}=0, or give its "
            "parameters with --architecture, if its file hides what it has, as ONNX, TorchScript and torch.export do"
        )


def mismatch(x: Tensor, layer: Normalisation) -> Tensor:
    """Compare the batch statistics of x (B, C, ...) with a layer's running ones: a scalar.

    It is the mean over channels of the squared deviations of mean and standard deviation.
    """
    return relative_distance(*moments(x), layer)


def relative_distance(mean: Tensor, variance: Tensor, layer: Normalisation) -> Tensor:
    """Compare mean and variance of each channel, (C,) each, with the running ones, in units of these: a scalar."""
    assert layer.running_mean is not None and layer.running_var is not None
    spread = (layer.running_var + layer.eps).sqrt()
    shift = (mean - layer.running_mean) / spread
    variance = (variance + layer.eps).clamp(min=torch.finfo(variance.dtype).tiny)  # of no eps, too
    stretch = variance.sqrt() / spread - 1
    return (shift.square() + stretch.square()).mean()


def distance(mean: Tensor, variance: Tensor, layer: Normalisation) -> Tensor:
    """Return |mean - running mean| + |variance - running variance|, Euclidean over channels, (C,) each: a scalar.

    H. Yin et al., equation 4, in the units of the activations, as inversion methods have it.
    """
    assert layer.running_mean is not None and layer.running_var is not None
    shift, stretch = mean - layer.running_mean, variance - layer.running_var
    total: Tensor = torch.linalg.vector_norm(shift) + torch.linalg.vector_norm(stretch)
    return total


def with_channels(x: Tensor, layer: Normalisation) -> Tensor:
    """Return what a layer is given as (B, C, ...), where its attribute ``channels_last`` says that it is (..., C)."""
    return x.flatten(0, -2) if getattr(layer, "channels_last", False) else x


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each channel over the batch of all ranks: x (B, C, ...) -> (C,) each."""
    rest = [0, *range(2, x.ndim)]
    of_rank, variance = x.mean(rest), x.var(rest, correction=0)
    mean = collectives.mean(of_rank)
    if mean is not of_rank:  # of several ranks
        variance = collectives.mean(variance + (of_rank - mean).square())
    return mean, variance


DISTANCES = {"absolute": distance, "relative": relative_distance}
"""Distances of a batch's statistics from the running ones, by name."""


class BatchStatistics:
    """The distance of every batch normalisation of a teacher, with a memory of earlier batches.

    G. Fang et al., "Up to 100x faster data-free knowledge distillation", arXiv:2112.06253, section 3.3: a small batch
    cannot hold what a data set does, but the average of many can. `update` takes the latest batch into it.

    Args:
        momentum: share of the memory in what is compared; 0 compares each batch alone.
        distance: name in `DISTANCES`.
    """

    def __init__(self, network: nn.Module, momentum: float = 0.0, distance: str = "absolute") -> None:
        self.layers, self.momentum, self.distance = normalisations(network), momentum, DISTANCES[distance]
        self.memory: list[tuple[Tensor, Tensor]] = []
        self.latest: list[tuple[Tensor, Tensor]] = []

    @contextmanager
    def measure(self) -> Iterator[list[Tensor]]:
        """Collect the distances of all layers, a scalar each, while the network runs; of no layer, nothing."""
        distances: list[Tensor] = []
        self.latest = []

        def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            assert isinstance(module, Normalisation)
            mean, variance = moments(with_channels(inputs[0], module))
            if self.memory:
                old_mean, old_variance = self.memory[len(self.latest)]
                now = 1 - self.momentum
                blended = (now * mean + self.momentum * old_mean, now * variance + self.momentum * old_variance)
            else:
                blended = mean, variance
            self.latest.append((mean.detach(), variance.detach()))
            distances.append(self.distance(*blended, module))

        handles = [layer.register_forward_pre_hook(note) for layer in self.layers]
        try:
            yield distances
        finally:
            for handle in handles:
                handle.remove()

    def update(self) -> None:
        """Take the latest measured batch into the memory."""
        if not self.momentum or not self.latest:
            return
        if not self.memory:
            self.memory = self.latest
            return
        m = self.momentum
        pairs = zip(self.memory, self.latest, strict=True)
        self.memory = [(m * a + (1 - m) * c, m * b + (1 - m) * d) for (a, b), (c, d) in pairs]

    def state_dict(self) -> dict[str, Any]:
        """Return the memory."""
        return {"memory": self.memory}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a memory."""
        device = next((layer.running_mean.device for layer in self.layers if layer.running_mean is not None), None)
        self.memory = [(a.to(device), b.to(device)) for a, b in state["memory"]]


@contextmanager
def capture_bn_statistics(network: nn.Module | None) -> Iterator[list[Tensor]]:
    """Collect the `mismatch` of every batch normalisation of ``network`` while it runs; of None, nothing."""
    mismatches: list[Tensor] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, Normalisation)
        mismatches.append(mismatch(with_channels(inputs[0], module), module))

    handles = [layer.register_forward_pre_hook(note) for layer in normalisations(network or nn.Identity())]
    try:
        yield mismatches
    finally:
        for handle in handles:
            handle.remove()


def unfolded(teacher: nn.Module) -> nn.Module:
    """Return the form of a teacher that still has its normalisations, frozen, where its loader kept one."""
    kept: tuple[nn.Module, ...] = getattr(teacher, "before_folding", ())
    if not kept:
        return teacher
    device = next((p.device for p in teacher.parameters()), torch.device("cpu"))
    return kept[0].to(device).eval().requires_grad_(False)
