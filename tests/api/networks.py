"""Small networks, and runs of them, that the tests of the Python interface share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

import zskt


def mlp(width: int, classes: int = 4, features: int = 16) -> nn.Module:
    return nn.Sequential(nn.Linear(features, width), nn.ReLU(), nn.Linear(width, classes))


def teach(network: nn.Module, x: tuple[Tensor, ...], labels: Tensor, steps: int = 150) -> nn.Module:
    """Train a network on all samples at once."""
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(*x), labels).backward()
        optimizer.step()
    return network


def require_taught(teacher: nn.Module, untrained: nn.Module, run: zskt.Run, x: Any, gain: float = 0.25) -> None:
    """Assert that the student agrees with its teacher clearly better than an untrained one."""
    before, after = (zskt.evaluate(student, teacher, x) for student in (untrained, run.student))
    assert after["agreement"] > before["agreement"] + gain and after["kl"] < before["kl"]


def distilled(numbers: tuple[nn.Module, Tensor, Tensor], **more: Any) -> zskt.Run:
    torch.manual_seed(0)
    student, generator = mlp(8), zskt.generators.tabular(-1.0, 1.0, size=16)
    torch.manual_seed(more.pop("stream", 5))
    return zskt.distill(numbers[0], student, generator=generator, iterations=5, **more)


def parameters(run: zskt.Run) -> Tensor:
    return torch.cat([p.detach().flatten() for p in run.student.parameters()])


class Cloud(nn.Module):
    """A sum over the points that the mask says are there."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(3, width), nn.Linear(width, 2)

    def forward(self, points: Tensor, mask: Tensor) -> Tensor:
        logits: Tensor = self.outer((torch.relu(self.inner(points)) * mask.unsqueeze(2)).sum(1))
        return logits


def own_samples(source: str) -> Any:
    rng = torch.Generator().manual_seed(0)

    def iterator() -> Iterator[Tensor]:
        while True:
            yield 2 * torch.rand(50, 16, generator=rng) - 1

    def function(count: int, stream: torch.Generator) -> Tensor:
        return 2 * torch.rand(count, 16, generator=stream) - 1

    return iterator() if source == "iterator" else function
