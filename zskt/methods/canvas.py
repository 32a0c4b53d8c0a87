"""What an inversion optimises: the pixels of images, or the z of a generator, alone or with its parameters.

Shapes: B pseudo-samples, R rows of which some may fall outside the domain, Z latent size.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor, nn

from zskt.contracts import PseudoBatch
from zskt.generator import Generator
from zskt.images.inputs import ImageInputs


class Canvas(Protocol):
    """Something with parameters that is drawn as pseudo-samples."""

    rows: int
    """R: each may have a target of its own."""

    def draw(self) -> tuple[PseudoBatch, Tensor]:
        """Draw pseudo-samples with a graph to the parameters, the same ones until these move, and each one's row."""
        ...


class Pixels:
    """Images (B, C, H, W) that are their own parameters.

    Args:
        inputs: of the network that is fed them, by which parameters are standardised; None leaves them as they are.
    """

    def __init__(self, images: Tensor, inputs: ImageInputs | None = None) -> None:
        self.inputs, self.rows = inputs, len(images)
        pixels = images if inputs is None else inputs.standardised(images)
        self.pixels = nn.Parameter(pixels.detach().clone())

    def draw(self) -> tuple[PseudoBatch, Tensor]:
        """Return the images."""
        images = self.pixels if self.inputs is None else self.inputs.of_standardised(self.pixels)
        return PseudoBatch((images,)), torch.arange(self.rows, device=self.pixels.device)


class Latent:
    """z of a generator, (R, Z), drawn from a stream that then begins anew at each step.

    Args:
        count: B; where a generator rejects some, there are more rows and the first B that pass count.
    """

    def __init__(self, generator: Generator, count: int, rng: torch.Generator) -> None:
        self.generator, self.count, self.rng = generator, count, rng
        self.rows = math.ceil(count / generator.acceptance)
        self.z = nn.Parameter(generator.latent(self.rows, rng))
        self._stream = rng.get_state()

    def draw(self) -> tuple[PseudoBatch, Tensor]:
        """Draw what z stands for, at most B samples, and the row of z behind each."""
        self.rng.set_state(self._stream)
        batch: PseudoBatch = self.generator(self.z, self.rng)
        rows = torch.arange(self.rows, device=self.z.device)
        rows = rows if batch.accepted is None else rows[batch.accepted]
        return first(batch, self.count), rows[: self.count]


def first(batch: PseudoBatch, count: int) -> PseudoBatch:
    """Return the first ``count`` samples of a batch, and what its generator needs to learn from these."""

    def cut(values: Tensor | None) -> Tensor | None:
        return None if values is None else values[:count]

    x = tuple(t[:count] for t in batch.x)
    log_prob, component = cut(batch.log_prob), cut(batch.component)
    return PseudoBatch(x, log_prob=log_prob, component=component, penalty=batch.penalty)
