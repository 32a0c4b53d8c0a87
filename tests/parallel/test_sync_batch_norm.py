"""Synchronised batch normalisation is PyTorch's where one rank has all rows; on two, see `tests.test_distributed`."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from zskt.networks.batch_norm import BatchNorm
from zskt.parallel.sync_batch_norm import SynchronisedBatchNorm


def alone() -> SynchronisedBatchNorm:
    return SynchronisedBatchNorm(lambda t: t.unsqueeze(0), lambda t: t)


def outcome(layer: nn.Module, x: Tensor, weights: Tensor) -> list[Tensor]:
    """Answer, gradients by input and parameters, and running statistics."""
    x = x.clone().requires_grad_()
    y = layer(x)
    (y * weights).sum().backward()
    assert x.grad is not None
    gradients = [p.grad for p in layer.parameters() if p.grad is not None]
    return [y.detach(), x.grad, *gradients, *(b.double() for b in layer.buffers())]


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.BatchNorm1d(5), (7, 5)),
        (nn.BatchNorm1d(5, affine=False, momentum=0.3), (7, 5, 3)),
        (nn.BatchNorm2d(5, track_running_stats=False), (4, 5, 3, 2)),
        (BatchNorm(5, relu=True), (4, 5, 3, 2)),
    ],
)
def test_it_is_pytorchs_on_one_rank(layer: nn.Module, shape: tuple[int, ...]) -> None:
    layer = layer.double()
    x, weights = 3 + 2 * torch.randn(shape, dtype=torch.float64), torch.randn(shape, dtype=torch.float64)
    with torch.no_grad():
        for p in layer.parameters():
            p.add_(torch.randn_like(p))
    other = copy.deepcopy(layer)
    expected = outcome(layer, x, weights)
    with alone():
        found = outcome(other, x, weights)
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)


def test_evaluation_is_left_as_it_is() -> None:
    layer, x = nn.BatchNorm1d(3).eval(), torch.randn(4, 3)
    with alone():
        assert torch.allclose(layer(x), x, atol=1e-4)
    assert layer.running_mean is not None and not layer.running_mean.any()
