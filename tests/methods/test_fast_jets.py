"""What makes jets fast changes nothing but rounding: twenty iterations against the equations as they are written.

The obvious way works on every slot, with normalisations apart: neighbours of all slots, W [x_i, x_j - x_i] an edge,
sums and maxima of padded tensors.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from generators import GENERATORS
from zskt.forward import Pair
from zskt.jets.features import KIN
from zskt.methods import Setup
from zskt.networks.particle_flow import ParticleFlow
from zskt.networks.particlenet import EdgeConv, ParticleNet
from zskt.networks.students import STUDENTS

from ..networks.statistics import randomise
from .setups import run_until, start, state_of

ITERATIONS = 20
BLOCKS = ((4, (8, 8, 8)), (4, (12, 12)))


@pytest.fixture(autouse=True)
def doubles() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


class ObviousEdgeConv(nn.Module):
    """ReLU(shortcut(x_i) + mean_j h([x_i, x_j - x_i])) of (B, P, C), a slot at a time."""

    def __init__(self, block: EdgeConv) -> None:
        super().__init__()
        self.block = block

    def forward(self, place: Tensor, x: Tensor, real: Tensor) -> Tensor:
        distance = (place.unsqueeze(2) - place.unsqueeze(1)).square().sum(-1)
        distance = distance.masked_fill(~real.unsqueeze(1), torch.inf)
        near = distance.argsort(2)[:, :, 1 : self.block.k + 1]  # (B, P, k)
        jet = torch.arange(len(x)).view(-1, 1, 1)
        neighbours = torch.where(real[jet, near].unsqueeze(-1), x[jet, near], 0.0)  # padding is zero
        own = x.unsqueeze(2).expand_as(neighbours)
        h = torch.cat([own, neighbours - own], -1)
        for conv, bn in zip(self.block.convs, self.block.bns, strict=True):
            h = torch.relu(bn(nn.functional.linear(h, conv.weight.flatten(1))))  # type: ignore[arg-type]
        shortcut = self.block.sc_bn(nn.functional.linear(x, self.block.sc.weight.flatten(1)))  # type: ignore[arg-type]
        return torch.relu(shortcut + h.mean(2))


class ObviousParticleNet(nn.Module):
    """ParticleNet as the paper has it."""

    def __init__(self, network: ParticleNet) -> None:
        super().__init__()
        self.network = network
        self.blocks = nn.ModuleList(ObviousEdgeConv(block) for block in network.blocks)

    def forward(self, points: Tensor, features: Tensor, mask: Tensor) -> Tensor:
        real = mask.squeeze(1) > 0
        place, x = points.transpose(1, 2), self.network.bn_fts(features.transpose(1, 2))
        for block in self.blocks:
            x = block(place.detach(), x, real)
            place = x
        summed = (x * real.unsqueeze(2)).sum(1)
        logits: Tensor = self.network.fc(summed / real.sum(1, keepdim=True).clamp(min=1))
        return logits


class ObviousParticleFlow(ParticleFlow):
    """Mean and maximum of padded tensors."""

    def forward(self, *x: Tensor) -> Tensor:
        features, real = x[1].transpose(1, 2), x[2].squeeze(1) > 0
        entries = torch.zeros(*real.shape, self.f[0].in_features // 2)  # type: ignore[arg-type, operator]
        entries[real] = self.phi(features[real])
        count = real.sum(1, keepdim=True)
        summary = [entries.sum(1) / count.clamp(min=1), entries.amax(1).clamp(min=0), torch.log1p(count)]
        outputs: Tensor = self.f(torch.cat(summary, 1))
        return outputs


def played(teacher: nn.Module, student: nn.Module, **settings: Any) -> tuple[list[dict[str, float]], list[Tensor]]:
    """Play twenty iterations; what was logged, and what was moved."""
    torch.manual_seed(1)
    generator = GENERATORS["shower"].build(KIN).train()
    setup = Setup(pair=Pair(teacher.eval().requires_grad_(False), student.train()), generator=generator)
    method = start("zskt", setup, iterations=ITERATIONS, batch_size=12, student_steps=3, **settings)
    return run_until(method, ITERATIONS), state_of(method)


def test_twenty_iterations_are_those_of_the_equations() -> None:
    torch.manual_seed(0)
    network = randomise(ParticleNet(len(KIN.features), 10, BLOCKS, 16)).eval()
    assert isinstance(network, ParticleNet)
    student = STUDENTS["pfn-small"].build(KIN, 10)
    obvious_student = copy.deepcopy(student)
    obvious_student.__class__ = ObviousParticleFlow
    settings = {"generator_every": 2, "replay_balance": 0.5, "class_entropy_weight": 1.0}
    logged, moved = played(network.folded(), student, **settings)
    expected, moved_by_equations = played(ObviousParticleNet(network), obvious_student, **settings)
    assert len(logged) == ITERATIONS
    for one, other in zip(logged, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-9)
    assert max(float((a - b).abs().max()) for a, b in zip(moved, moved_by_equations, strict=True)) < 1e-6


def test_the_gradient_by_the_inputs_is_that_of_the_equations() -> None:
    torch.manual_seed(0)
    network = randomise(ParticleNet(len(KIN.features), 10, BLOCKS, 16)).eval().requires_grad_(False)
    assert isinstance(network, ParticleNet)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        points, features, mask = GENERATORS["shower"].build(KIN).sample(30, rng).x
    gradients = []
    for way in (network.folded(), ObviousParticleNet(network)):
        asked = features.clone().requires_grad_()
        (way(points, asked, mask).log_softmax(1)[:, 3]).sum().backward()
        assert asked.grad is not None
        gradients.append(asked.grad)
    assert torch.allclose(*gradients, rtol=1e-9, atol=1e-12)
    assert (gradients[0].abs().amax(1) > 0)[mask.squeeze(1)].float().mean() > 0.9
