"""MAZE: model stealing by zeroth-order gradients of the KL divergence, with replay of earlier answers.

S. Kariyappa, A. Prakash and M. K. Qureshi, "MAZE: data-free model stealing attack using zeroth-order gradient
estimation", arXiv:2005.03161, its algorithm 1; numbers of steps and directions are those of the published code. Replay
is bounded here, and nothing is ever differentiated through the teacher.

Shapes: B batch, m directions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from zskt.losses import KL, divergence
from zskt.methods.black_box import BlackBox, BlackBoxConfig, require_classes, require_trainable
from zskt.methods.finite_differences import DifferenceAscent
from zskt.methods.method import Metrics, Setup
from zskt.settings import setting
from zskt.teacher_access import PROBABILITIES


@dataclass(frozen=True, kw_only=True)
class MAZEConfig(BlackBoxConfig):
    """Settings of MAZE. Losses are in nats per example."""

    generator_steps: int = setting(1, minimum=0)
    """N_G: steps of the generator in an iteration; each costs (m + 1) B queries."""
    student_steps: int = setting(5, minimum=1)
    """N_C: steps of the student in an iteration, each on a batch of its own: B queries."""
    replay_steps: int = setting(10, minimum=0)
    """N_R: steps of the student on earlier answers, which cost nothing."""
    replay_size: int = setting(65536, minimum=1, maximum=2**24)
    """Answers that are kept for replay, the latest ones."""
    directions: int = setting(10, minimum=1)
    """m: random directions of a gradient's estimate."""
    difference_step: float = setting(0.0, minimum=0)
    """Length of a forward difference, in units of what is moved; 0: the generator's own, 1e-3 on pixels."""


class MAZE(BlackBox):
    """MAZE: zeroth-order gradients of the divergence, and experience replay."""

    Config = MAZEConfig
    accesses = (PROBABILITIES,)

    def __init__(self, config: MAZEConfig, setup: Setup) -> None:
        require_classes("maze", setup)
        require_trainable("maze", setup)
        super().__init__(config, setup, (KL(),), config.replay_size)
        rng = torch.Generator(setup.device).manual_seed(4 * setup.seed + 2)
        self.state.streams["directions"] = rng
        self.ascent = DifferenceAscent(
            self.generator, self.pair, self.teacher, divergence, config.directions, config.difference_step, rng
        )

    @classmethod
    def queries_per_iteration(cls, config: Any) -> int:
        """Return B (N_G (m + 1) + N_C)."""
        return int(config.batch_size * (config.generator_steps * (config.directions + 1) + config.student_steps))

    def run(self) -> Iterator[Metrics]:
        """Move the generator up KL(T || S), the student down on new answers, then on kept ones."""
        config, state = self.config, self.state
        while state.step < config.iterations:
            measured, rate = {}, config.student_lr * self.fall
            for _ in range(config.generator_steps):
                loss, kl = self.ascent.loss(config.batch_size, self.latent_rng)
                self.move_generator(loss)
                measured["kl"] = kl
            for _ in range(config.student_steps):
                batch, answer = self.ask()
                self.replay.add(batch.x, answer)
                loss, output = self.student_step(batch.x, answer, rate)
            for _ in range(config.replay_steps):
                x, answer = self.replayed()
                loss, output = self.student_step(x, answer, rate)
            metrics = self.logged(loss, answer, output, **measured)
            state.step += 1
            yield metrics
