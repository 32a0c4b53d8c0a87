"""Data-free model extraction (DFME): the paper's game against a teacher that only answers, by forward differences.

J.-B. Truong, P. Maini, R. J. Walls and N. Papernot, "Data-free model extraction", arXiv:2011.14779: the L1 loss, the
recovery of logits from probabilities, and the forward differences of its sections on them. Numbers of steps, the step
of a difference and where it is taken are those of the published code.

Shapes: B batch, K classes, m directions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from zskt.losses import LogitDistance, logit_distance
from zskt.methods.black_box import BlackBox, BlackBoxConfig, require_classes, require_trainable
from zskt.methods.finite_differences import DifferenceAscent
from zskt.methods.method import Metrics, Setup
from zskt.settings import setting
from zskt.teacher_access import PROBABILITIES


@dataclass(frozen=True, kw_only=True)
class DFMEConfig(BlackBoxConfig):
    """Settings of data-free model extraction. Losses are in units of logits, summed over classes."""

    generator_steps: int = setting(1, minimum=0)
    """Steps of the generator in an iteration; each costs (m + 1) B queries."""
    student_steps: int = setting(5, minimum=1)
    """Steps of the student in an iteration, each on a batch of its own: B queries."""
    directions: int = setting(1, minimum=1)
    """m: random directions of a gradient's estimate."""
    difference_step: float = setting(0.0, minimum=0)
    """Length of a forward difference, in units of what is moved; 0: the generator's own, 1e-3 on pixels."""
    generator_lr: float = setting(1e-4, minimum=0)
    """Learning rate of the generator's Adam."""


class DFME(BlackBox):
    """Data-free model extraction: the adversary's gradient by forward differences, L1 on recovered logits."""

    Config = DFMEConfig
    accesses = (PROBABILITIES,)

    def __init__(self, config: DFMEConfig, setup: Setup) -> None:
        require_classes("dfme", setup)
        require_trainable("dfme", setup)
        super().__init__(config, setup, (LogitDistance(),))
        rng = torch.Generator(setup.device).manual_seed(4 * setup.seed + 2)
        self.state.streams["directions"] = rng
        self.ascent = DifferenceAscent(
            self.generator, self.pair, self.teacher, logit_distance, config.directions, config.difference_step, rng
        )

    @classmethod
    def queries_per_iteration(cls, config: Any) -> int:
        """Return B (n_G (m + 1) + n_S)."""
        return int(config.batch_size * (config.generator_steps * (config.directions + 1) + config.student_steps))

    def run(self) -> Iterator[Metrics]:
        """Move the generator to where the L1 distance grows, then the student to where it falls."""
        config, state = self.config, self.state
        while state.step < config.iterations:
            measured = {}
            for _ in range(config.generator_steps):
                loss, distance = self.ascent.loss(config.batch_size, self.latent_rng)
                self.move_generator(loss)
                measured["distance"] = distance
            for _ in range(config.student_steps):
                batch, answer = self.ask()
                loss, output = self.student_step(batch.x, answer, config.student_lr * self.fall)
            metrics = self.logged(loss, answer, output, **measured)
            state.step += 1
            yield metrics
