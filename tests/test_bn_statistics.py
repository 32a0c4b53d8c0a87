"""What a teacher's batch normalisations remember of its training data."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from zskt.bn_statistics import BatchStatistics, capture_bn_statistics, mismatch, normalisations
from zskt.networks.particlenet import RowNorm
from zskt.networks.resnet import cifar_resnet


def test_mismatch_counts_standard_deviations() -> None:
    layer = nn.BatchNorm2d(2, eps=0.0)
    layer.running_mean, layer.running_var = torch.tensor([1.0, -1.0]), torch.tensor([4.0, 9.0])
    unit = torch.randn(64, 2, 3, 3)
    unit = (unit - unit.mean((0, 2, 3), keepdim=True)) / unit.std((0, 2, 3), correction=0, keepdim=True)
    mean, spread = (torch.tensor(v).view(1, 2, 1, 1) for v in ((1.0, -1.0), (2.0, 3.0)))
    assert mismatch(unit * spread + mean, layer) < 1e-10
    # Moved by two of its standard deviations in one of two channels: 2^2 / 2.
    moved = unit * spread + mean + torch.tensor([4.0, 0.0]).view(1, 2, 1, 1)
    assert torch.isclose(mismatch(moved, layer), torch.tensor(2.0), rtol=1e-4)
    assert torch.isclose(mismatch(unit * 1.5 * spread + mean, layer), torch.tensor(0.25), rtol=1e-4)


def test_every_normalisation_is_captured_while_asked_for_and_no_longer() -> None:
    network = cifar_resnet(20, 10).eval()
    x = torch.randn(4, 3, 32, 32)
    with capture_bn_statistics(network) as mismatches:
        network(x)
    assert len(mismatches) == len(normalisations(network)) == 19
    network(x)
    assert len(mismatches) == 19
    with capture_bn_statistics(None) as mismatches:
        network(x)
    assert not mismatches


def test_normalisations_without_running_statistics_do_not_count() -> None:
    network = nn.Sequential(nn.BatchNorm1d(3, track_running_stats=False), nn.BatchNorm1d(3), nn.LayerNorm(3))
    assert normalisations(network) == [network[1]]


def test_distances_are_of_means_and_variances_and_remember_earlier_batches() -> None:
    layer = nn.BatchNorm1d(2).eval()
    layer.running_mean, layer.running_var = torch.tensor([3.0, 4.0]), torch.tensor([1.0, 1.0])
    statistics = BatchStatistics(layer, momentum=0.75)
    x = torch.tensor([[-1.0, 2.0], [1.0, -2.0]])  # means 0 and 0, variances 1 and 4
    with statistics.measure() as first:
        layer(x)
    assert [d.item() for d in first] == [5.0 + 3.0]
    statistics.update()
    with statistics.measure() as second:
        layer(x + torch.tensor([4.0, 4.0]))  # means 4 and 4: with three quarters of the old ones 1 and 1
    assert torch.isclose(second[0], torch.tensor(13.0).sqrt() + 3.0)
    statistics.update()
    assert torch.equal(statistics.memory[0][0], torch.tensor([1.0, 1.0]))
    other = BatchStatistics(layer, momentum=0.75)
    other.load_state_dict(statistics.state_dict())
    assert torch.equal(other.memory[0][1], statistics.memory[0][1])
    layer(x)
    assert len(second) == 1  # no hook is left


def test_rows_of_channels_are_told_from_channels_of_positions() -> None:
    """ParticleNet normalises (N, k, C) rows: their statistics are those of the last dimension."""
    layer = RowNorm(3)
    rows = torch.randn(10, 4, 3) * torch.tensor([1.0, 2.0, 3.0]) + torch.tensor([0.0, 1.0, 2.0])
    layer.running_mean, layer.running_var = rows.mean((0, 1)), rows.flatten(0, 1).var(0, correction=0)
    network = nn.Sequential(layer).eval()
    with BatchStatistics(network).measure() as distances:
        network(rows)
    assert distances[0] < 1e-4
    with capture_bn_statistics(network) as mismatches:
        network(rows)
    assert mismatches[0] < 1e-8


def test_relative_distances_are_in_units_of_each_channel() -> None:
    network = nn.Sequential(nn.BatchNorm1d(2)).eval()
    layer = network[0]
    layer.running_mean, layer.running_var = torch.tensor([1.0, -2.0]), torch.tensor([4.0, 100.0])
    layer.eps = 0.0
    x = torch.tensor([[0.0, 8.0], [6.0, 28.0]])  # means 3 and 18, standard deviations 3 and 10
    relative = BatchStatistics(network, distance="relative")
    with relative.measure() as distances:
        network(x)
    shift, stretch = (1.0**2 + 2.0**2) / 2, (0.5**2 + 0.0**2) / 2
    assert float(distances[0]) == pytest.approx(shift + stretch)
    assert float(mismatch(x, layer)) == pytest.approx(shift + stretch)
    with BatchStatistics(network).measure() as distances:
        network(x)
    assert float(distances[0]) == pytest.approx(math.hypot(2, 20) + math.hypot(9 - 4, 0))
