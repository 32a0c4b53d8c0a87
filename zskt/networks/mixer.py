"""MLP-Mixer of the leading particles: perceptrons over particles and over features in turn.

I. Tolstikhin et al., arXiv:2105.01601; of jets, for level-1 triggers, C. Sun et al., arXiv:2503.03103, whose mixers
know the particles by their place in the order of momentum, and need no sum that forgets it.

Shapes: B jets, C variables, P particle slots, of which the network reads the first N, D channels, K + R outputs.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Self

from torch import Tensor, nn

from zskt.jets.object_collections import ObjectCollection
from zskt.networks.folding import folded
from zskt.networks.mlp import hidden_layers


class MixerBlock(nn.Module):
    """Mix particles, then channels, each by a perceptron with one hidden layer, beside which the input passes.

    Args:
        particles: N.
        channels: D.
        hidden_particles, hidden_channels: widths of the two hidden layers.
    """

    def __init__(self, particles: int, channels: int, hidden_particles: int, hidden_channels: int) -> None:
        super().__init__()
        self.particles = nn.Sequential(
            nn.Linear(particles, hidden_particles), nn.ReLU(), nn.Linear(hidden_particles, particles)
        )
        product = partial(nn.Conv1d, kernel_size=1)
        widths = [channels, hidden_channels]
        self.channels = nn.Sequential(*hidden_layers(widths, product=product), product(hidden_channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, D, N) to (B, D, N)."""
        x = x + self.particles(x)
        mixed: Tensor = x + self.channels(x)
        return mixed


class Mixer(nn.Module):
    """F(mean over the N leading particles of mixer blocks); padding is particles of zeros.

    Args:
        collections: the collections of the teacher's inputs; the network reads the largest collection of objects.
        outputs: K + R.
        particles: N.
        channels: D.
        blocks: their number.
        hidden_particles, hidden_channels: widths of the hidden layers of a block.
        f: width of the hidden layer of the network of the jet.
    """

    attention_layers: tuple[str, ...] = ()

    def __init__(
        self,
        collections: Sequence[ObjectCollection],
        outputs: int,
        *,
        particles: int = 16,
        channels: int = 16,
        blocks: int = 2,
        hidden_particles: int = 16,
        hidden_channels: int = 16,
        f: int = 32,
    ) -> None:
        super().__init__()
        self.collection = max((c for c in collections if not c.of_jet), key=lambda c: c.max_length)
        self.n_leading = particles
        variables = self.collection.variables
        product = partial(nn.Conv1d, kernel_size=1)
        self.embedding = nn.Sequential(
            nn.BatchNorm1d(variables), *hidden_layers([variables, channels], product=product)
        )
        self.blocks = nn.Sequential(
            *(MixerBlock(particles, channels, hidden_particles, hidden_channels) for _ in range(blocks))
        )
        self.f = nn.Sequential(*hidden_layers([channels, f]), nn.Linear(f, outputs))

    def leading(self, *x: Tensor) -> Tensor:
        """Select the leading particles from the teacher's inputs: (B, C, N), zeros on padding."""
        features = self.collection.read(x)
        real = self.collection.real(x, features) > 0
        features = (features * real.unsqueeze(1))[..., : self.n_leading]
        return nn.functional.pad(features, (0, self.n_leading - features.shape[-1]))

    def forward(self, *x: Tensor) -> Tensor:
        """The teacher's inputs -> (B, K + R)."""
        outputs: Tensor = self.f(self.blocks(self.embedding(self.leading(*x))).mean(2))
        return outputs

    def unpacked(self) -> Self:
        """Return a frozen copy, in evaluation mode, without normalisations."""
        network = copy.deepcopy(self).eval().requires_grad_(False)
        network.embedding, network.f = folded(self.embedding), folded(self.f)
        for block in network.blocks:
            assert isinstance(block, MixerBlock)
            block.channels = folded(block.channels)
        return network
