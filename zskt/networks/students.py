"""Students: small, fast networks that take a teacher's inputs, and the registry of them all.

K classes and R regressed values are the outputs of a student.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from zskt.networks.additive import additive
from zskt.networks.deep_sets import N_LEADING, DeepSets
from zskt.networks.frame_recurrent import FrameRecurrent
from zskt.networks.lenet_vgg import VGG11, LeNet5
from zskt.networks.light_particlenet import light_particlenet
from zskt.networks.mixer import Mixer
from zskt.networks.mlp import MLP
from zskt.networks.particle_flow import ParticleFlow
from zskt.networks.recurrent import RecurrentTagger
from zskt.networks.resnet import cifar_resnet, resnet18
from zskt.networks.wide_resnet import WideResNet


@dataclass(frozen=True)
class Student:
    """An entry of the registry."""

    domain: str
    """Domain of the inputs, as in the teacher's `Inputs.domain`."""
    build: Callable[[Any, int], nn.Module]
    """Builds the network from the input specification and the number of outputs."""
    summary: str
    """What the network is, in a line."""


def _particle_flow(cloud: dict[str, Any], collections: dict[str, Any], summary: str) -> Student:
    """Make an entry of a particle-flow network.

    Args:
        cloud: widths for one cloud of particles, (points, features, mask).
        collections: widths for the collections of a tagger from a file. ReLU folds into few and fast operations.
    """

    def build(inputs: Any, outputs: int) -> nn.Module:
        if inputs.single_cloud:
            return ParticleFlow(inputs.collections(), outputs, **cloud, activation=nn.GELU, single_cloud=True)
        return ParticleFlow(inputs.collections(), outputs, **collections)

    return Student("jets", build, summary)


def _recurrent(embedding: int, hidden: int, summary: str) -> Student:
    return Student(
        "jets",
        lambda inputs, outputs: RecurrentTagger(
            inputs.collections(), outputs, embedding, hidden, single_cloud=inputs.single_cloud
        ),
        summary,
    )


def _mixer(summary: str, **sizes: int) -> Student:
    """Make an entry of an MLP-Mixer; ``particles`` is how many it reads, and `Mixer` names the other sizes."""
    return Student(
        "jets",
        lambda inputs, outputs: Mixer(inputs.collections(), outputs, **sizes),
        f"MLP-Mixer of the {sizes['particles']} leading particles, {summary}",
    )


def _images(build: Callable[[int, int], nn.Module], summary: str) -> Student:
    """Make an entry of an image network, which is built from the numbers of classes and of channels."""
    return Student("images", lambda inputs, classes: build(classes, inputs.channels), summary)


def _frames(channels: Sequence[int], hidden: int, summary: str) -> Student:
    return Student("frames", lambda inputs, outputs: FrameRecurrent(inputs, outputs, channels, hidden), summary)


def _wide_resnet(depth: int, width: int) -> Student:
    return _images(
        lambda classes, channels: WideResNet(depth, width, classes, channels), f"wide ResNet {depth}-{width}"
    )


def _cifar_resnet(depth: int) -> Student:
    return _images(lambda classes, channels: cifar_resnet(depth, classes, channels), f"CIFAR ResNet of depth {depth}")


def _mlp(hidden: Sequence[int], summary: str) -> Student:
    return Student(
        "vectors", lambda inputs, outputs: MLP(inputs.size, hidden, outputs, inputs.mean, inputs.std), summary
    )


STUDENTS: dict[str, Student] = {
    "pfn": _particle_flow(
        {"phi": (96, 96, 96), "f": (96, 64)},
        {"phi": (64, 64, 64), "phi_small": (48, 48), "f": (96, 64)},
        "particle-flow network, at most 50 k parameters",
    ),
    "pfn-small": _particle_flow(
        {"phi": (48, 48, 48), "f": (32,)},
        {"phi": (32, 32, 32), "phi_small": (24, 24), "f": (48,)},
        "particle-flow network, about 10 k parameters",
    ),
    "pfn-large": _particle_flow(
        {"phi": (192, 192, 192), "f": (192, 128)},
        {"phi": (128, 128, 128), "phi_small": (96, 96), "f": (192, 128)},
        "particle-flow network twice as wide as pfn, at most 180 k parameters",
    ),
    "particlenet-light": Student(
        "jets", light_particlenet, "ParticleNet with two narrow EdgeConv blocks, at most 26 k parameters"
    ),
    "deepsets": Student(
        "jets",
        lambda inputs, outputs: DeepSets(inputs.collections(), outputs),
        f"particle-flow network of the {N_LEADING} leading particles without masks: for an FPGA",
    ),
    "pfn-highway": _particle_flow(
        {"phi": (48,), "f": (96, 64), "highway": 10},
        {"phi": (48,), "phi_small": (24,), "f": (96, 64), "highway": 8},
        "particle-flow network whose phi is a highway of ten layers with tied gates, about as large as pfn",
    ),
    "pfn-highway-small": _particle_flow(
        {"phi": (16,), "f": (16,), "highway": 6},
        {"phi": (16,), "phi_small": (8,), "f": (16,), "highway": 6},
        "the same with six layers of 16, about as large as deepsets",
    ),
    "gru": _recurrent(48, 96, "recurrent network over the particles in the order of momentum, about as large as pfn"),
    "gru-small": _recurrent(16, 20, "the same, about as large as deepsets"),
    "mixer": _mixer(
        "about as large as pfn", particles=64, channels=32, blocks=3, hidden_particles=64, hidden_channels=64, f=64
    ),
    "mixer-small": _mixer(
        "about as large as deepsets",
        particles=16,
        channels=16,
        blocks=2,
        hidden_particles=12,
        hidden_channels=12,
        f=24,
    ),
    "lenet5-half": Student(
        "images",
        lambda inputs, classes: LeNet5(classes, inputs.channels, 0.5, inputs.size),
        "LeNet-5 with half the channels",
    ),
    "wrn-16-1": _wide_resnet(16, 1),
    "wrn-16-2": _wide_resnet(16, 2),
    "wrn-40-1": _wide_resnet(40, 1),
    **{f"resnet{depth}": _cifar_resnet(depth) for depth in (8, 14, 20, 32)},
    "mlp-pixels": Student(
        "images",
        lambda inputs, classes: nn.Sequential(nn.Flatten(), MLP(inputs.channels * inputs.size**2, (20, 20), classes)),
        "multilayer perceptron of the pixels with two hidden layers of 20: behind --view downscale:7",
    ),
    "vgg11": _images(VGG11, "VGG-11 for small images"),
    "resnet18": _images(resnet18, "ResNet-18 for small images"),
    "mlp": _mlp((64, 64), "multilayer perceptron with two hidden layers of 64"),
    "additive": Student("vectors", additive, "sum of functions of one feature each, to be read: see --mode explain"),
    "additive-pairs": Student(
        "vectors", partial(additive, pairs=True), "the same with functions of each two features, on a coarse grid"
    ),
    "mlp-small": _mlp((32,), "multilayer perceptron with one hidden layer of 32"),
    "frame-gru": _frames((8, 16, 16), 48, "recurrent network over frames, each read by a small convolutional network"),
    "frame-gru-small": _frames((4, 8, 8), 20, "the same, a quarter as large"),
}


def count_parameters(network: nn.Module) -> int:
    """Count the parameters of a network, trainable or frozen, each once; buffers are none."""
    return sum(p.numel() for p in network.parameters())
