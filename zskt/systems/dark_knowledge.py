"""Bayesian dark knowledge: networks that SGLD draws, distilled into one; and what a GAN of their weights would cost.

A. Korattikara, V. Rathod, K. Murphy and M. Welling, "Bayesian dark knowledge", arXiv:1506.04416;
K.-C. Wang et al., "Adversarial distillation of Bayesian neural network posteriors", ICML 2018 (APD).

Shapes: N images, M draws, W weights of a network.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from zskt.api import distill
from zskt.ensemble import Drawn, Ensemble
from zskt.networks.mlp import MLP
from zskt.optim import step
from zskt.systems.digits import Digits, digits
from zskt.systems.sgld import sgld
from zskt.systems.system import Figures, System, error, learned
from zskt.systems.uncertainty import log_loss

HIDDEN = 100
M, EVERY, BURN_IN = 100, 200, 10_000
LABELLED, BATCH, EPOCHS = 10_000, 128, 8
RATE, PRECISION = 4e-5, 10.0
"""SGLD's rate and the prior's precision: as SGD at a rate of 0.2 on the mean loss of 10 000 images."""
LATENT, APD_ITERATIONS, CRITIC_STEPS, TIMED = 32, 100_000, 5, 3
"""Of APD's example on MNIST: the generator's z, its iterations, and the critic's steps in each; how many we time."""


def _network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), MLP(784, (HIDDEN,), 10))


def dark_knowledge(seed: int, place: Path | None) -> Figures:
    """Distil 100 draws of SGLD into one network of the same size: log losses and errors on the test images."""
    train, test = digits(place, "train"), digits(place, "test")
    few = train.rows(torch.arange(LABELLED))
    one = learned(_network(), *few, epochs=EPOCHS, seed=seed, batch_size=BATCH).eval()
    draws = sgld(
        _network(), partial(_loss, few), LABELLED, rate=RATE, precision=PRECISION, batch=100,
        steps=BURN_IN + M * EVERY, burn_in=BURN_IN, every=EVERY, rng=torch.Generator().manual_seed(seed),
    )  # fmt: skip
    mean = Ensemble(draws).eval()
    begun = time.process_time()
    student = distill(
        Drawn(mean, "member", torch.Generator().manual_seed(seed + 1)), _network(), data=train.x, method="kd",
        iterations=EPOCHS, student_steps=len(train.labels) // BATCH, batch_size=BATCH, seed=seed, progress=False,
    ).student.eval()  # fmt: skip
    seconds = time.process_time() - begun
    networks = {"one network": one, "one draw": draws[-1], "100 draws averaged": mean, "student": student}
    figures = {f"{name}, log loss": log_loss(network, *test) for name, network in networks.items()}
    figures |= {f"{name}, error": error(network, *test) for name, network in networks.items()}
    weights = torch.stack([parameters_to_vector(draw.parameters()) for draw in draws])
    figures["APD's GAN of weights, networks of the student's size"] = WeightGAN(weights).parameters() / weights.shape[1]
    figures["APD's 100 000 iterations, trainings of the student"] = _time_of_apd(weights) / seconds
    return figures


def _loss(data: Digits, network: nn.Module, rows: Tensor) -> Tensor:
    return nn.functional.cross_entropy(network(data.x[rows]), data.labels[rows])


class WeightGAN:
    """APD's generative model: a Wasserstein GAN with gradient penalty, whose samples are the weights of networks.

    I. Gulrajani et al., "Improved training of Wasserstein GANs", arXiv:1704.00028, algorithm 1. It is here for what it
    costs: its generator alone has a hundred times the parameters of a network that it draws.

    Args:
        weights: (M, W), weights that SGLD drew.
    """

    def __init__(self, weights: Tensor) -> None:
        self.weights, size = weights, weights.shape[1]
        self.generator: nn.Module = MLP(LATENT, (100, 100, 100), size)
        self.critic: nn.Module = MLP(size, (100, 100, 100), 1)
        adam = partial(torch.optim.Adam, lr=1e-4, betas=(0.5, 0.9))
        self.optimizers = adam(self.generator.parameters()), adam(self.critic.parameters())

    def parameters(self) -> int:
        """Count the parameters of generator and critic."""
        return sum(p.numel() for network in (self.generator, self.critic) for p in network.parameters())

    def iterate(self) -> None:
        """Take five steps of the critic and one of the generator."""
        generates, criticises = self.optimizers
        for _ in range(CRITIC_STEPS):
            real, fake = self.weights[torch.randint(len(self.weights), (100,))], self._drawn().detach()
            step(self._critic_loss(real, fake), criticises)
        step(-self.critic(self._drawn()).mean(), generates)

    def _drawn(self) -> Tensor:
        drawn: Tensor = self.generator(torch.randn(100, LATENT))
        return drawn

    def _critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        between = torch.lerp(real, fake, torch.rand(100, 1)).requires_grad_(True)
        (slope,) = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
        loss: Tensor = (
            self.critic(fake).mean() - self.critic(real).mean() + 10 * (slope.norm(dim=1) - 1).square().mean()
        )
        return loss


def _time_of_apd(weights: Tensor) -> float:
    """Extrapolate the processor time of APD's training of its GAN from a few iterations, seconds."""
    gan = WeightGAN(weights)
    gan.iterate()  # memory is taken
    begun = time.process_time()
    for _ in range(TIMED):
        gan.iterate()
    return APD_ITERATIONS * (time.process_time() - begun) / TIMED


DARK_KNOWLEDGE = System(
    title="Bayesian dark knowledge, MNIST, and the price of APD",
    source="Korattikara et al., arXiv:1506.04416; Wang et al., ICML 2018 (its example on MNIST, 784-100-10)",
    published=dict.fromkeys(
        (*(f"{name}, {what}" for what in ("log loss", "error")
           for name in ("one network", "one draw", "100 draws averaged", "student")),
         "APD's GAN of weights, networks of the student's size",
         "APD's 100 000 iterations, trainings of the student"), ""),
    run=dark_knowledge,
    seeds=3,
    remark="100 networks of 784-100-10 that SGLD drew on 10 000 labelled images, one asked for each sample; the "
    "student is one such network and saw 60 000 images without labels. APD keeps the posterior as a GAN that draws "
    "weights: what that would cost is measured on three of its iterations, and it was not trained.",
)  # fmt: skip
