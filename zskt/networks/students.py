"""Students: small, fast networks that take a teacher's inputs; those for images share teachers' architectures.

Shapes: B jets, P particle slots, F features, C channels, K classes, N real particles of the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zskt.jets.tagger_inputs import TaggerInputs
from zskt.networks.deep_sets import PARTICLES, deepsets
from zskt.networks.lenet_vgg import VGG11, LeNet5
from zskt.networks.particle_flow import TaggerPFN, collections_of, light_particlenet, mlp
from zskt.networks.particlenet import ParticleNet
from zskt.networks.resnet import cifar_resnet, resnet18
from zskt.networks.wide_resnet import WideResNet


class PFN(nn.Module):
    """Particle-flow network F(mean_i phi(p_i)), with the maximum over particles beside the mean.

    P. T. Komiske, E. M. Metodiev and J. Thaler, "Energy flow networks: deep sets for particle jets",
    arXiv:1810.05165, equation 2.6. phi runs on the real particles only.

    Args:
        features: number of input features a particle.
        classes: number of classes K.
        phi: widths of the network of a single particle; the last is the size of the latent space.
        f: widths of the hidden layers of the network of the jet.
    """

    attention_layers: tuple[str, ...] = ("map",)
    """Names of the submodules whose outputs, (B, C, P), carry the attention maps."""

    def __init__(self, features: int, classes: int, phi: Sequence[int], f: Sequence[int]) -> None:
        super().__init__()
        self.phi = nn.Sequential(nn.BatchNorm1d(features), *mlp([features, *phi], nn.GELU))
        # log(1 + multiplicity) is an input of F: a mean alone forgets how many particles there were.
        self.f = nn.Sequential(*mlp([2 * phi[-1] + 1, *f], nn.GELU), nn.Linear(f[-1], classes))
        self.map = nn.Identity()

    def forward(self, points: Tensor, features: Tensor, mask: Tensor) -> Tensor:
        """Points (B, 2, P), unused, features (B, F, P), mask (B, 1, P) of bool -> logits (B, K)."""
        real = mask.squeeze(1)  # (B, P)
        rows = real.flatten().nonzero().squeeze(1)  # (N,) of B P slots
        x = self.phi(features.transpose(1, 2).flatten(0, 1)[rows])  # (N, C)
        dense = x.new_zeros(real.numel(), x.shape[1]).index_copy(0, rows, x).view(*real.shape, -1)  # (B, P, C)
        self.map(dense.transpose(1, 2))
        count = real.sum(1, keepdim=True)
        mean = dense.sum(1) / count.clamp(min=1)
        # Padding is zero: clamping makes the maximum the same whether a jet has any.
        logits: Tensor = self.f(torch.cat([mean, dense.amax(1).clamp(min=0), torch.log1p(count)], 1))
        return logits


@dataclass(frozen=True)
class Student:
    """An entry of the registry."""

    domain: str
    """What it takes, as in the teacher's `Inputs.domain`."""
    build: Callable[[Any, int], nn.Module]
    """Input specification, number of outputs -> the network."""
    summary: str


def _jets(
    build: Callable[[int, int], nn.Module], of_tagger: Callable[[TaggerInputs, int], nn.Module], summary: str
) -> Student:
    """Of the number of features and of outputs; of the inputs of a tagger from a file, which are several."""

    def student(inputs: Any, outputs: int) -> nn.Module:
        if isinstance(inputs, TaggerInputs):
            return of_tagger(inputs, outputs)
        return build(len(inputs.features), outputs)

    return Student("jets", student, summary)


def _images(build: Callable[[int, int], nn.Module], summary: str) -> Student:
    """Of the number of classes and of channels."""
    return Student("images", lambda inputs, classes: build(classes, inputs.channels), summary)


def _wide(depth: int, width: int) -> Student:
    return _images(
        lambda classes, channels: WideResNet(depth, width, classes, channels), f"wide ResNet {depth}-{width}"
    )


def _cifar_resnet(depth: int) -> Student:
    return _images(lambda classes, channels: cifar_resnet(depth, classes, channels), f"CIFAR ResNet of depth {depth}")


STUDENTS: dict[str, Student] = {
    "pfn": _jets(
        lambda features, classes: PFN(features, classes, (96, 96, 96), (96, 64)),
        lambda inputs, outputs: TaggerPFN(collections_of(inputs), outputs, (64, 64, 64), (48, 48), (96, 64)),
        "particle-flow network, at most 50 k parameters",
    ),
    "pfn-small": _jets(
        lambda features, classes: PFN(features, classes, (48, 48, 48), (32,)),
        lambda inputs, outputs: TaggerPFN(collections_of(inputs), outputs, (32, 32, 32), (24, 24), (48,)),
        "particle-flow network, about 10 k parameters",
    ),
    "particlenet-light": _jets(
        lambda features, classes: ParticleNet(features, classes, ((7, (32, 32)), (7, (64, 64))), 64),
        light_particlenet,
        "ParticleNet with two narrow EdgeConv blocks, about 25 k parameters",
    ),
    "deepsets": Student(
        "jets", deepsets, f"particle-flow network of the {PARTICLES} leading particles without masks: for an FPGA"
    ),
    "lenet5-half": _images(lambda k, c: LeNet5(k, c, 0.5), "LeNet-5 with half the channels"),
    "wrn-16-1": _wide(16, 1),
    "wrn-16-2": _wide(16, 2),
    "wrn-40-1": _wide(40, 1),
    **{f"resnet{depth}": _cifar_resnet(depth) for depth in (8, 14, 20, 32)},
    "vgg11": _images(VGG11, "VGG-11 for small images"),
    "resnet18": _images(resnet18, "ResNet-18 for small images"),
}


def count_parameters(network: nn.Module) -> int:
    """Trainable or frozen, each counted once; buffers are none."""
    return sum(p.numel() for p in network.parameters())
