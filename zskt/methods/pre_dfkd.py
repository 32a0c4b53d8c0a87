"""Generative pseudo replay (PRE-DFKD): a memory generator reminds the student of what the generator no longer makes.

K. Binici et al., "Robust and resource-efficient data-free knowledge distillation by generative pseudo replay",
arXiv:2201.03019. The novel generator is DAFL's with a Jensen-Shannon term that seeks
disagreement. A variational autoencoder learns from its samples and from its own, so that it needs to keep none. The
student learns the L1 distance of logits on both. Weights and rates are those of the published code for CIFAR-10, whose
entropy to base 10 is in nats here, and whose divergence is a Jensen-Shannon one here without its clamps.

Shapes: B batch, Z latent size, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zskt.contracts import Batch, PseudoBatch
from zskt.errors import UserError
from zskt.forward import capture, evaluating
from zskt.generator import is_trainable
from zskt.losses import generator_loss, own_class_cross_entropy
from zskt.methods.generative import Asked, Generative, GenerativeConfig
from zskt.methods.memory_generator import Encoder, Memory, distance_to_normal, mean_absolute
from zskt.methods.method import Metrics, Setup, trains
from zskt.optim import adam, require_finite, step
from zskt.parallel.ranks import world
from zskt.replay import concatenate
from zskt.settings import sample_count, setting
from zskt.synthesis import BASE_10, agreement_of_beliefs, class_imbalance, require_one_choice
from zskt.terms import LogitL1

DISAGREEMENT_TEMPERATURE = 3.0
"""Temperature of the Jensen-Shannon divergence, in the published code."""
MEMORY_RATE = 1 / 40
"""Learning rate of the memory in units of the generator's, in the published code."""


@dataclass(frozen=True, kw_only=True)
class PREDFKDConfig(GenerativeConfig):
    """Settings of PRE-DFKD."""

    iterations: int = setting(14_400, minimum=1)
    """Rounds: a step of the generator, then student steps."""
    batch_size: int = sample_count(1024)
    """B: fresh pseudo-samples of a step."""
    generator_lr: float = setting(0.02, minimum=0)
    """Learning rate of the generator's Adam; the memory's is a fortieth of it."""
    one_hot_weight: float = setting(1.0, minimum=0)
    """Weight of the cross-entropy of the teacher with its own top class."""
    class_entropy_weight: float = setting(5.0 / BASE_10, minimum=0)
    """Weight of the entropy of the teacher's mean class probabilities, in nats; 5 to base 10."""
    feature_weight: float = setting(0.1, minimum=0)
    """Weight of the magnitude of the teacher's features, of a teacher that names its layers."""
    disagreement_weight: float = setting(1.0, minimum=0)
    """Weight of 1 - JS(T || S), the Jensen-Shannon divergence, softened by 3."""
    memory_fraction: float = setting(0.125, minimum=0, maximum=1)
    """Samples of the memory in each student step, in units of B; 0 does without a memory."""
    memory_steps: int = setting(4, minimum=0)
    """Steps of the memory a round, each beside one of the first student steps."""
    memory_kl_weight: float = setting(1e-5, minimum=0)
    """Weight of the divergence of the memory's z from their prior."""


class PREDFKD(Generative):
    """DAFL with disagreement, and a second generator that replays earlier samples."""

    Config = PREDFKDConfig
    name = "pre-dfkd"
    layer_weight = "feature_weight"

    def __init__(self, config: PREDFKDConfig, setup: Setup) -> None:
        assert setup.generator is not None and setup.pair.teacher is not None
        require_one_choice(setup.pair, self.name)
        if world().size > 1:
            raise UserError(f"{self.name}: its memory learns in one process; start it with one")
        super().__init__(config, setup, (LogitL1(),))
        layers: tuple[str, ...] = getattr(setup.pair.teacher, "attention_layers", ())
        if config.feature_weight and not layers:
            raise UserError("feature_weight: the teacher names no layers (attention_layers); set feature_weight=0")
        self.layers, self.features = layers[-1:] if config.feature_weight else (), list[Tensor]()
        self.memory: Memory | None = None
        if config.memory_fraction and is_trainable(setup.generator):
            self.recalled = _recalled(config)
            self.memory = self._memory(setup)
            self.memory_optimizer = adam(
                [p for p in self.memory.parameters() if p.requires_grad], MEMORY_RATE * config.generator_lr
            )
            self.state.parts |= {"memory": self.memory, "memory_optimizer": self.memory_optimizer}

    @classmethod
    def queries_of(cls, config: Any, setup: Setup | None = None) -> int | None:
        """Return what both generators, the student and the memory's samples ask about."""
        of_players = config.iterations * config.batch_size * (config.student_steps + trains(setup))
        if not config.memory_fraction or not trains(setup):
            return int(of_players)
        recalled, half = _recalled(config), config.batch_size // 2
        of_memory = config.iterations * 2 * half + (config.iterations - 1) * 3 * recalled  # none of its own at first
        steps = min(config.memory_steps, config.student_steps)
        return int(of_players + config.iterations * config.student_steps * 2 * recalled + steps * of_memory)

    def _memory(self, setup: Setup) -> Memory:
        """Build the memory, for samples as the generator draws them."""
        assert setup.pair.teacher is not None
        with torch.no_grad(), evaluating(self.generator):
            x = self.generator.sample(2, torch.Generator(setup.device).manual_seed(0)).x
            outputs = setup.pair.forward(setup.pair.teacher, x).logits.shape[1]
        encoder = Encoder(tuple(t.cpu() for t in x), self.pair.student, outputs, self.generator.latent_size)
        return Memory(self.generator, encoder).to(setup.device).train()

    def run(self) -> Iterator[Metrics]:
        """Take a step of the generator, n_S of the student and some of the memory a round, to the last one."""
        config, state = self.config, self.state
        while state.step < config.iterations:
            measured = self.move_generator()
            for i in range(config.student_steps):
                x, answer = self.fresh()
                if self.memory is not None:
                    recalled = self.recall(learning=False)
                    both = concatenate((x, answer), (recalled, self.teacher.query(recalled)))
                    loss, output = self.student_step(*both, self.student_rate)
                    answer = both[1]
                else:
                    loss, output = self.student_step(x, answer, self.student_rate)
                if self.memory is not None and i < config.memory_steps:
                    measured["loss/memory"] = self.remember(x)
            if self.memory is not None:
                require_finite(self.memory_optimizer, "memory's")
            metrics = self.metrics((loss, answer, output), measured)
            state.step += 1
            yield metrics

    def judge(self, batch: PseudoBatch, *, asks_student: bool = True) -> tuple[Tensor, Asked]:
        """Ask both networks about a batch, and look at the teacher's last layer."""
        teacher = self.observed.pair.teacher
        assert teacher is not None
        with capture(teacher, self.layers) as self.features:
            return super().judge(batch, asks_student=asks_student)

    def losses(self, asked: Asked) -> Tensor:
        """Return the terms of each sample: (B,)."""
        config = self.config
        assert asked.student is not None
        losses: Tensor = config.disagreement_weight * agreement_of_beliefs(
            asked.teacher.detach(), asked.student, DISAGREEMENT_TEMPERATURE
        )
        for layer in self.features:
            losses = losses - config.feature_weight * layer.abs().flatten(1).mean(1)
        return losses + self.matched(asked.teacher)

    def matched(self, logits: Tensor) -> Tensor:
        """Return what makes samples of novel generator and memory look like data to the teacher: (B,)."""
        config = self.config
        sure = config.one_hot_weight * own_class_cross_entropy(logits)
        terms: Tensor = sure + config.class_entropy_weight * class_imbalance(logits)
        return terms

    def recall(self, *, learning: bool) -> Batch:
        """Draw samples of the memory, from z that have taken a step towards what the teacher takes for data.

        Args:
            learning: whether the memory itself learns from them; the published code has it in training mode then, and
                in evaluation mode for the student.
        """
        assert self.memory is not None and self.pair.teacher is not None
        decoder, count = self.memory.decoder, self.recalled
        z = decoder.latent(math.ceil(count / decoder.acceptance), self.rng).requires_grad_()
        with nullcontext() if learning else evaluating(decoder):
            batch = decoder.sample(count, self.rng, latent=(z,))
            answer = self.teacher(batch.x)
            loss = self.matched(answer.logits).mean() + distance_to_normal(z)
            (gradient,) = torch.autograd.grad(loss, z)
            # The first step of Adam goes by the rate along the sign of the gradient.
            z = z.detach() - self.config.generator_lr * gradient.sign()
            with torch.no_grad():
                return decoder.sample(count, self.rng, latent=(z,)).x

    def remember(self, x: Batch) -> Tensor:
        """Train the memory to make half of a batch again, and its own samples; the loss, without graph."""
        assert self.memory is not None and self.pair.teacher is not None
        x = tuple(t[: len(t) // 2] for t in x)
        answer = self.teacher.query(x)
        if self.state.step:  # in the first round it learns from the generator alone, as in the published code
            recalled = self.recall(learning=True)
            x, answer = concatenate((x, answer), (recalled, self.teacher.query(recalled)))
        again, kl = self.memory.recalled(x, self.rng)
        rows = slice(None) if again.accepted is None else again.accepted
        distance = mean_absolute(self.teacher(again.x).logits, answer.logits[rows])
        if len(x) == 1:
            distance = distance + mean_absolute(again.x[0], x[0][rows])
        price = self.config.memory_kl_weight * kl
        penalty = price if again.penalty is None else price + again.penalty
        loss = generator_loss(-distance, again.log_prob, penalty)
        step(loss, self.memory_optimizer, self.config.max_grad_norm)
        return loss.detach()


def _recalled(config: PREDFKDConfig) -> int:
    """Return how many samples of the memory a student step has."""
    return max(2, round(config.memory_fraction * config.batch_size))
