"""Data-free learning (DAFL): a generator seeks samples of which the teacher is sure, and never asks the student.

H. Chen et al., "Data-free learning of student networks", arXiv:1904.01186, equations 4 to 8. The published code takes
the logarithm of equation 6 to base 10; here it is in nats, and its weight is the code's over ln 10.

Shapes: B batch, K classes, C channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zskt.checkpoint import TrainState
from zskt.errors import UserError
from zskt.forward import CountedTeacher, capture
from zskt.generator import is_trainable
from zskt.losses import class_information, generator_loss, own_class_cross_entropy
from zskt.methods.method import Method, Metrics, Setup
from zskt.methods.student import StudentStep, require_gradient, trainable
from zskt.optim import adam, adamw, cosine, require_finite, set_rate, step
from zskt.parallel.collectives import mean, share_of, whole
from zskt.settings import Settings, sample_count, setting
from zskt.synthesis import BASE_10
from zskt.terms import KL


@dataclass(frozen=True, kw_only=True)
class DAFLConfig(Settings):
    """Settings of DAFL. Losses are in nats per example."""

    iterations: int = setting(400, minimum=1)
    """Batches, each with a step of the generator and one of the student."""
    batch_size: int = sample_count(128)
    """B: pseudo-samples an iteration."""
    one_hot_weight: float = setting(1.0, minimum=0)
    """Weight of the cross-entropy of the teacher with its own top class, equation 4."""
    feature_weight: float = setting(0.1, minimum=0)
    """Weight of the magnitude of the teacher's features, equation 5, alpha."""
    class_entropy_weight: float = setting(5.0 / BASE_10, minimum=0)
    """Weight of the entropy of the teacher's mean class probabilities, equation 6, beta, in nats; 5 to base 10."""
    temperature: float = setting(1.0, above=0)
    """Temperature of both softmaxes in KL(T || S)."""
    student_lr: float = setting(2e-3, minimum=0)
    """Learning rate of the student's AdamW; falls to 0 by a cosine over the run, like the generator's."""
    generator_lr: float = setting(1e-3, minimum=0)
    """Learning rate of the generator's Adam."""
    max_grad_norm: float = setting(5.0, minimum=0)
    """Norm to which gradients are clipped; 0 does not clip."""


class DAFL(Method):
    """Trains the generator on the teacher alone: confident answers, all classes."""

    Config = DAFLConfig
    needs_generator = True
    needs_data = False
    layer_weight = "feature_weight"
    config: DAFLConfig

    def __init__(self, config: DAFLConfig, setup: Setup) -> None:
        assert setup.generator is not None and setup.pair.teacher is not None
        share_of(config.batch_size)
        self.config, self.pair, self.generator = config, setup.pair, setup.generator
        if setup.pair.regression_scale is not None:
            raise UserError("dafl: knows classes alone, but the teacher regresses values, too; use method zskt")
        layers: tuple[str, ...] = getattr(setup.pair.teacher, "attention_layers", ())
        if config.feature_weight and not layers:
            raise UserError("feature_weight: the teacher names no layers (attention_layers); set feature_weight=0")
        self.layers = layers[-1:] if config.feature_weight else ()
        self.rng = torch.Generator(setup.device).manual_seed(4 * setup.seed)
        optimizer = adamw(trainable(setup.pair.student), config.student_lr)
        self.state = TrainState(
            parts={"student": setup.pair.student, "student_optimizer": optimizer, "generator": setup.generator},
            streams={"latent": self.rng},
            device=setup.device,
        )
        self.generator_optimizer: torch.optim.Optimizer | None = None
        if is_trainable(setup.generator):
            self.generator_optimizer = adam(list(setup.generator.parameters()), config.generator_lr)
            self.state.parts["generator_optimizer"] = self.generator_optimizer
        self.terms = (KL(temperature=config.temperature),)
        self.student_step = StudentStep(self.pair, self.terms, self.state, optimizer, config.max_grad_norm)
        self.teacher = CountedTeacher(self.pair, self.state)

    @classmethod
    def queries_per_iteration(cls, config: Any) -> int:
        """Return B: both players learn from the same answers."""
        return int(config.batch_size)

    def run(self) -> Iterator[Metrics]:
        """Take a step of the generator and one of the student on the same batch, to the last iteration."""
        config, state, teacher = self.config, self.state, self.pair.teacher
        assert teacher is not None
        while state.step < config.iterations:
            fall = cosine(state.step, config.iterations)
            batch = self.generator.sample(config.batch_size, self.rng)
            with capture(teacher, self.layers) as features:
                answer = self.teacher(batch.x)
            reward = self.reward(answer.logits, features)
            if batch.component is not None:
                self.generator.update(whole(batch.component), whole(reward.detach()))
            if self.generator_optimizer is not None:
                require_gradient(answer)
                set_rate(self.generator_optimizer, config.generator_lr * fall)
                loss = generator_loss(reward, batch.log_prob, batch.penalty)
                step(loss, self.generator_optimizer, config.max_grad_norm)
            x, answer = tuple(t.detach() for t in batch.x), answer.detach()
            loss, output = self.student_step(x, answer, config.student_lr * fall)
            if self.generator_optimizer is not None:
                require_finite(self.generator_optimizer, "generator's")
            metrics = self.student_step.metrics(loss, answer.logits, output.logits)
            state.step += 1
            yield {
                **metrics,
                "reward/generator": float(mean(reward.detach().mean())),
                "rate/student": config.student_lr * fall,
            }

    def reward(self, logits: Tensor, features: list[Tensor]) -> Tensor:
        """Return minus the three losses of each sample, (B,): logits (B, K), features (B, C, ...)."""
        config = self.config
        reward = -config.one_hot_weight * own_class_cross_entropy(logits)
        for layer in features:
            reward = reward + config.feature_weight * layer.abs().flatten(1).mean(1)
        return reward + config.class_entropy_weight * class_information(logits)

    @property
    def result(self) -> nn.Module:
        """The student that the run leaves."""
        return self.student_step.result
