"""The floor of ParticleNet has the network's own products, and the benchmarks of jets run."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.bench import Bench, Job
from benchmarks.jets import measure
from benchmarks.particlenet import floor, forward, with_gradient
from zskt.contracts import Batch
from zskt.networks.particlenet import ParticleNet


def network_and_jets() -> tuple[ParticleNet, Batch]:
    torch.manual_seed(0)
    network = ParticleNet(7, 3, ((4, (8, 8, 8)), (4, (8, 12)), (4, (12, 16, 16))), 10).folded()
    mask = (torch.arange(9) < torch.tensor([[9], [6]])).unsqueeze(1)
    return network, (torch.randn(2, 2, 9), torch.randn(2, 7, 9), mask)


def operations(job: Job) -> int:
    """Multiplications and additions of all products."""
    with FlopCounterMode(display=False) as counter:
        job()
    return counter.get_total_flops()


@pytest.mark.parametrize("gradient", [False, True])
def test_the_floor_has_as_many_operations_as_the_network(gradient: bool) -> None:
    network, x = network_and_jets()
    needed = operations(with_gradient(network, x) if gradient else forward(network, x))
    assert operations(floor(network, x, gradient=gradient)) == needed > 10_000


def test_it_runs_with_tiny_sizes() -> None:
    report = measure(Bench(seconds=0.1, sizes={"batch": "4"}))
    assert report["batch"] == 4 and report["ms_per_jet"]["generator"] > 0
    assert report["ratios"]["generator, with gradient / generator"]["median"] > 0
