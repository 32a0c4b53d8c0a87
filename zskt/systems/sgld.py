"""Networks drawn from their posterior by stochastic gradient Langevin dynamics.

M. Welling and Y. W. Teh, "Bayesian learning via stochastic gradient Langevin dynamics", ICML 2011, equation 4.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn


def sgld(
    network: nn.Module,
    loss: Callable[[nn.Module, Tensor], Tensor],
    size: int,
    *,
    rate: float,
    precision: float,
    batch: int,
    steps: int,
    burn_in: int,
    every: int,
    rng: torch.Generator,
) -> list[nn.Module]:
    """Draw networks, each a copy, frozen, in evaluation mode; ``network`` is moved.

    A step is theta += rate / 2 (N / n sum grad log p(y | x, theta) - precision theta) + N(0, rate): a step of SGD on
    the mean loss at a rate of N rate / 2, with decay and noise.

    Args:
        loss: of a network on some of the N samples, by their positions: mean negative log likelihood, nats.
        size: N.
        rate: epsilon, constant.
        precision: of the Gaussian prior of each parameter, of mean 0.
        batch: n, samples of a step.
        burn_in: steps before the first draw.
        every: steps between draws.
        rng: of the samples and of the noise.
    """
    parameters = list(network.parameters())
    draws: list[nn.Module] = []
    for step in range(1, steps + 1):
        rows = torch.randint(size, (batch,), generator=rng)
        gradients = torch.autograd.grad(size * loss(network, rows), parameters)
        with torch.no_grad():
            for p, gradient in zip(parameters, gradients, strict=True):
                noise = torch.randn(p.shape, generator=rng)
                p.add_(gradient + precision * p, alpha=-rate / 2).add_(noise, alpha=rate**0.5)
        if step > burn_in and (step - burn_in) % every == 0:
            draws.append(copy.deepcopy(network).requires_grad_(False).eval())
    return draws
