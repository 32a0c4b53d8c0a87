"""Adaptive data-free distillation (AdaDFKD): samples from easy to hard, for the student and for the generator.

J. Li et al., "AdaDFKD: exploring adaptive inter-sample relationship in data-free knowledge distillation", Neural
Networks 177 (2024), and the authors' code, from which terms and weights are taken; the pages of docs/methods say what
is left out. The generator maximises a masked adversary and the entropy of the mean class probabilities, goes down
statistics and one-hot terms, and a contrast of both networks' features, whose negatives become harder in the run. The
student weighs each fresh sample by a curriculum, which lets in ever larger losses.

Shapes: B batch, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from zskt.contracts import Batch, PseudoBatch
from zskt.curriculum import THRESHOLD, UNIT, CurriculumKL
from zskt.forward import Output, capture, evaluating
from zskt.losses import divergence, own_class_cross_entropy
from zskt.methods.generative import Asked, Generative, GenerativeConfig
from zskt.methods.method import Metrics, Setup
from zskt.methods.relations import Relations, pooled
from zskt.parallel.collectives import whole
from zskt.parallel.ranks import world
from zskt.settings import sample_count, setting
from zskt.synthesis import adversarial, class_imbalance, require_one_choice

ADVERSARY_TEMPERATURE = 3.0
"""Temperature of the adversary's softmaxes, in the published code."""

CURRICULUM_UNITS = ("nats", "first loss")
FIRST_LOSS = "first_loss"
"""The counter that keeps the mean loss of the first batch, nats."""
FEWEST_NATS = 1e-6
"""A student that begins as its teacher has no loss to count in."""


@dataclass(frozen=True, kw_only=True)
class AdaDFKDConfig(GenerativeConfig):
    """Settings of AdaDFKD. Losses are in nats per example."""

    iterations: int = setting(12_000, minimum=1)
    """Rounds: a step of the generator, then student steps."""
    batch_size: int = sample_count(1024)
    """B: pseudo-samples of a step."""
    weight_decay: float = setting(1e-4, minimum=0)
    """Weight decay of the student, decoupled for "adamw"."""
    adversarial_weight: float = setting(1.0, minimum=0)
    """Weight of KL(T || S), softened by 3, where both have the same top class, which the generator maximises."""
    bn_weight: float = setting(1.0, minimum=0)
    """Weight of the distance of a batch's statistics from those of the teacher's batch normalisations."""
    one_hot_weight: float = setting(1.0, minimum=0)
    """Weight of the cross-entropy of the teacher with its own top class."""
    class_entropy_weight: float = setting(20.0, minimum=0)
    """Weight of the entropy of the teacher's mean softened class probabilities, which the generator maximises."""
    contrast_weight: float = setting(0.1, minimum=0)
    """Weight of the contrast of the student's features with the teacher's; 0 does without."""
    contrast_size: int = setting(8192, minimum=1)
    """N: earlier features of the teacher that are kept as negatives."""
    contrast_length: float = setting(0.9, above=0, maximum=1)
    """Share of them that counts: the window moves from the easiest to the hardest over the first three quarters of the
    run."""
    contrast_temperature: float = setting(0.07, above=0)
    """Temperature of the softmax over similarities."""
    curriculum_threshold: float = setting(1.5)
    """Loss, lambda, at which a sample counts half at the beginning."""
    curriculum_unit: str = setting("nats", choices=CURRICULUM_UNITS)
    """What the threshold counts in: nats, as in the paper, or the mean loss of the first batch. Where logits are large
    the loss begins far above a threshold in nats, and hardly a sample counts."""
    curriculum_growth: float = setting(1e-4, minimum=0)
    """Growth of the threshold with each student step."""
    temperature: float = setting(20.0, above=0)
    """Temperature of both softmaxes in the student's KL(T || S), and of the mean class probabilities."""


class AdaDFKD(Generative):
    """A curriculum from easy to hard samples, for student and generator."""

    Config = AdaDFKDConfig
    name = "adadfkd"
    student_evaluates = True

    def __init__(self, config: AdaDFKDConfig, setup: Setup) -> None:
        require_one_choice(setup.pair, self.name)
        terms = (CurriculumKL(temperature=config.temperature),)
        super().__init__(config, setup, terms, bn_weight=config.bn_weight, betas=(0.9, 0.99))
        self.features: tuple[list[Tensor], list[Tensor]] = ([], [])
        """Layers of teacher and student that the latest batch was captured in."""
        self.relations: Relations | None = None
        if config.contrast_weight:
            rng = torch.Generator(setup.device).manual_seed(4 * setup.seed + 1)
            channels = self._channels(setup)
            length, tau = config.contrast_length, config.contrast_temperature
            self.relations = Relations(channels, config.contrast_size, tau, length, rng)
            self.state.parts["relations"] = self.relations

    @torch.no_grad()
    def _channels(self, setup: Setup) -> tuple[int, int]:
        """Return how many channels the features of teacher and student have, tried on a few samples."""
        with evaluating(self.generator, self.pair.student):
            batch = self.generator.sample(2 * world().size, torch.Generator(setup.device).manual_seed(0))
            teacher, student = self._answers(batch)
        return teacher.shape[1], student.shape[1]

    def _answers(self, batch: PseudoBatch) -> tuple[Tensor, Tensor]:
        """Return both networks' features of a batch, asked for nothing else: (B, C) each."""
        assert self.observed.pair.teacher is not None
        found: list[Tensor] = []
        for network in (self.observed.pair.teacher, self.pair.student):
            with capture(network, self.pair.layers(network)[-1:]) as layers:
                answer = self.observed.pair.forward(network, batch.x)
            found.append(pooled(layers, answer.logits))
        return found[0], found[1]

    def run(self) -> Iterator[Metrics]:
        """Take a step of the generator and n_S of the student a round, to the last one."""
        config, state = self.config, self.state
        while state.step < config.iterations:
            measured = self.move_generator()
            for i in range(config.student_steps):
                x, answer = self.fresh()
                threshold = self.threshold(state.step * config.student_steps + i)
                column = answer.logits.new_ones(len(answer.logits))
                extras = {THRESHOLD: threshold * column, UNIT: self.unit(x, answer) * column}
                target = Output(answer.logits, answer.extras | extras)
                loss, output = self.student_step(x, target, self.student_rate)
            metrics = self.metrics((loss, answer, output), measured)
            state.step += 1
            yield {**metrics, "threshold": threshold}

    def fresh(self) -> tuple[Batch, Output]:
        """Draw the student's samples from the generator in evaluation mode, as the published code does."""
        with evaluating(self.generator):
            return super().fresh()

    def threshold(self, steps: int) -> float:
        """Return lambda after so many student steps."""
        return float(self.config.curriculum_threshold + self.config.curriculum_growth * steps)

    @torch.no_grad()
    def unit(self, x: Batch, answer: Output) -> float:
        """Return what the threshold counts in, nats; of a run's first batch it is measured."""
        if self.config.curriculum_unit == "nats":
            return 1.0
        if FIRST_LOSS not in self.state.counters:
            with evaluating(self.pair.student):
                student = self.pair.ask_student(x).logits
            loss = whole(divergence(answer.logits, student, self.config.temperature)).mean()
            self.state.counters[FIRST_LOSS] = max(float(loss), FEWEST_NATS)
        return self.state.counters[FIRST_LOSS]

    def hardness(self) -> float:
        """Return the share of negatives that is left out as too easy, which grows from 0 to 1 - length."""
        config = self.config
        return float((1 - config.contrast_length) * min(1.0, self.state.step / (0.75 * config.iterations)))

    def judge(self, batch: PseudoBatch, *, asks_student: bool = True) -> tuple[Tensor, Asked]:
        """Ask both networks about a batch, and keep the teacher's features of it for later contrasts."""
        if self.relations is None:
            return super().judge(batch, asks_student=asks_student)
        teacher, student = self.observed.pair.teacher, self.pair.student
        assert teacher is not None
        layers = [self.pair.layers(network)[-1:] for network in (teacher, student)]
        with capture(teacher, layers[0]) as of_teacher, capture(student, layers[1]) as of_student:
            self.features = of_teacher, of_student
            loss, asked = super().judge(batch, asks_student=asks_student)
        self.relations.add(pooled(of_teacher, asked.teacher))
        self.features = ([], [])
        return loss, asked

    def losses(self, asked: Asked) -> Tensor:
        """Return the terms of each sample, (B,)."""
        config = self.config
        assert asked.student is not None
        losses: Tensor = config.one_hot_weight * own_class_cross_entropy(asked.teacher)
        imbalance = class_imbalance(asked.teacher / config.temperature)
        adversary = adversarial(asked.teacher, asked.student, ADVERSARY_TEMPERATURE, masked=True)
        losses = losses + config.class_entropy_weight * imbalance + config.adversarial_weight * adversary
        if self.relations is not None:
            teacher, student = (
                pooled(layers, logits)
                for layers, logits in zip(self.features, (asked.teacher, asked.student), strict=True)
            )
            losses = losses + config.contrast_weight * self.relations(teacher, student, self.hardness())
        return losses
