"""The memory of PRE-DFKD: a variational autoencoder that learns to make again what a generator has made.

K. Binici et al., "Robust and resource-efficient data-free knowledge distillation by generative pseudo replay",
arXiv:2201.03019; D. Kingma and M. Welling, arXiv:1312.6114. The decoder is another generator of the same
kind as the run's own, so that what it remembers lies in the same domain.

Shapes: B batch, Z latent size, C channels, H = W pixels, K classes.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from zskt.contracts import Batch, PseudoBatch
from zskt.generator import Generator

WIDTHS = (64, 128)
"""Channels of the encoder of images, as in the published code."""
HIDDEN = 128
"""Width of the other encoders."""


def mean_absolute(x: Tensor, y: Tensor) -> Tensor:
    """Return |x - y|, averaged over all but the batch: (B, ...) each -> (B,)."""
    return (x - y).abs().flatten(1).mean(1)


def kl_to_prior(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(mean, variance) || N(0, 1)), summed over Z, averaged over the batch: (B, Z) each -> a scalar."""
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean()


def distance_to_normal(z: Tensor) -> Tensor:
    """Return the mean squared distance of a batch's mean from 0 and of its variance from 1: (B, Z) -> a scalar."""
    return (z.var(0) - 1).square().mean() + z.mean(0).square().mean()


class Encoder(nn.Module):
    """Samples -> mean and logarithm of the variance of z.

    Images pass convolutions, vectors a perceptron. Any other samples, such as jets, pass a network of the student's
    kind, whose K answers are all that the memory sees of them.

    Args:
        x: a few samples.
        student: of these samples.
    """

    def __init__(self, x: Batch, student: nn.Module, outputs: int, latent_size: int) -> None:
        super().__init__()
        body: nn.Module
        if len(x) == 1 and x[0].dim() == 4:
            layers: list[nn.Module] = []
            channels = x[0].shape[1]
            for width in WIDTHS:
                layers += [nn.Conv2d(channels, width, 3, 2, 1), nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]
                channels = width
            body = nn.Sequential(*layers, nn.Flatten())
            with torch.no_grad():
                size = body(x[0]).shape[1]
        elif len(x) == 1 and x[0].dim() == 2:
            size = HIDDEN
            body = nn.Sequential(nn.Linear(x[0].shape[1], size), nn.BatchNorm1d(size), nn.LeakyReLU(0.2))
        else:
            body, size = copy.deepcopy(student), outputs
        self.body, self.head = body, nn.Linear(size, 2 * latent_size)

    def forward(self, x: Batch) -> tuple[Tensor, Tensor]:
        """Return mean and logarithm of the variance, (B, Z) each; x is a batch."""
        mean, log_variance = self.head(self.body(*x)).chunk(2, 1)
        return mean, log_variance.clamp(-10, 10)


class Memory(nn.Module):
    """Encoder and decoder.

    Args:
        generator: the run's own, as it begins; a copy of it decodes.
        encoder: of its samples.
    """

    def __init__(self, generator: Generator, encoder: Encoder) -> None:
        super().__init__()
        self.decoder, self.encoder = copy.deepcopy(generator), encoder

    def recalled(self, x: Batch, rng: torch.Generator) -> tuple[PseudoBatch, Tensor]:
        """Encode a batch and make it again; what came out, and the divergence of z from its prior."""
        mean, log_variance = self.encoder(x)
        noise = torch.randn(mean.shape, generator=rng, device=rng.device)
        again: PseudoBatch = self.decoder(mean + (log_variance / 2).exp() * noise, rng)
        return again, kl_to_prior(mean, log_variance)
