"""Data-free distillation with statistics and an adversary (DFQ), of the paper that quantises networks without data.

Y. Choi et al., "Data-free network quantization with adversarial knowledge distillation", arXiv:2005.04136: the
generator maximises KL(T || S) less what makes samples likely: the statistics of the teacher's batch
normalisations, a sure teacher, and all classes alike. It is trained on the latter alone at first. Weights and rates
are those that the code of CMI (arXiv:2105.08584) has for CIFAR-10, where the statistics are compared by Euclidean
distances and sureness is the cross-entropy with the teacher's own top class.

Shapes: B batch, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from zskt.losses import own_class_cross_entropy
from zskt.methods.generative import Asked, Generative, GenerativeConfig
from zskt.methods.method import Metrics, Setup, trains
from zskt.settings import setting
from zskt.synthesis import adversarial, class_imbalance, require_one_choice
from zskt.terms import KL


@dataclass(frozen=True, kw_only=True)
class DFQConfig(GenerativeConfig):
    """Settings of DFQ. Losses are in nats per example."""

    weight_decay: float = setting(1e-4, minimum=0)
    """Weight decay of the student, decoupled for "adamw"."""
    iterations: int = setting(8_000, minimum=1)
    """Rounds: a step of the generator, then student steps."""
    generator_warmup: int = setting(400, minimum=0)
    """Steps of the generator before the first round, without the adversary. The paper has such a phase, CMI's code has
    not; its length is ours."""
    adversarial_weight: float = setting(1.0, minimum=0)
    """Weight of KL(T || S), which the generator maximises."""
    bn_weight: float = setting(1.0, minimum=0)
    """Weight of the distance of a batch's statistics from those of the teacher's batch normalisations."""
    one_hot_weight: float = setting(1.0, minimum=0)
    """Weight of the cross-entropy of the teacher with its own top class."""
    class_entropy_weight: float = setting(20.0, minimum=0)
    """Weight of the entropy of the teacher's mean class probabilities, which the generator maximises."""
    temperature: float = setting(1.0, above=0)
    """Temperature of both softmaxes in KL(T || S), of the student and of the adversary."""


class DFQ(Generative):
    """The game of ZSKT with batch statistics, a teacher that is sure, and balanced classes."""

    Config = DFQConfig
    name = "dfq"

    def __init__(self, config: DFQConfig, setup: Setup) -> None:
        require_one_choice(setup.pair, self.name)
        super().__init__(
            config, setup, (KL(temperature=config.temperature),), bn_weight=config.bn_weight, betas=(0.5, 0.999)
        )

    @classmethod
    def queries_of(cls, config: Any, setup: Setup | None = None) -> int | None:
        """Return B for each step of the student, of the generator, and of its warm-up."""
        rounds = config.student_steps * config.iterations
        moves = config.generator_warmup + config.iterations if trains(setup) else 0
        return int(config.batch_size * (rounds + moves))

    @property
    def queries_before_learning(self) -> int:
        """A batch for each step of the warm-up, and one for each player; 0 where batches are of any size."""
        if self.generator.acceptance < 1:
            return 0
        moves = self.config.generator_warmup + 1 if self.generator_optimizer is not None else 0
        return int((moves + 1) * self.config.batch_size)

    def run(self) -> Iterator[Metrics]:
        """Warm the generator up, then take one step of it and n_S of the student a round, to the last one."""
        config, state = self.config, self.state
        if not state.step:  # a run that was killed in its warm-up begins anew
            for _ in range(config.generator_warmup):
                self.move_generator(asks_student=False)
        while state.step < config.iterations:
            measured = self.move_generator(asks_student=bool(config.adversarial_weight))
            for _ in range(config.student_steps):
                x, answer = self.fresh()
                loss, output = self.student_step(x, answer, self.student_rate)
            metrics = self.metrics((loss, answer, output), measured)
            state.step += 1
            yield metrics

    def losses(self, asked: Asked) -> Tensor:
        """Return the terms of each sample, (B,); the student's answers are left out of a warm-up."""
        config = self.config
        losses: Tensor = config.one_hot_weight * own_class_cross_entropy(asked.teacher)
        losses = losses + config.class_entropy_weight * class_imbalance(asked.teacher)
        if asked.student is not None:
            adversary = adversarial(asked.teacher, asked.student, config.temperature)
            losses = losses + config.adversarial_weight * adversary
        return losses
