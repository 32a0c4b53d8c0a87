"""What DFME and MAZE share: a generator that climbs by finite differences of a teacher that only answers.

Shapes: B batch, m directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zskt.methods.black_box import BlackBox, BlackBoxConfig, require_classes, require_trainable
from zskt.methods.finite_differences import DifferenceAscent, Objective
from zskt.methods.method import Setup
from zskt.settings import setting
from zskt.teacher_access import PROBABILITIES
from zskt.terms.term import Term


@dataclass(frozen=True, kw_only=True)
class ByDifferencesConfig(BlackBoxConfig):
    """Settings of a game by finite differences."""

    generator_steps: int = setting(1, minimum=0)
    """n_G: steps of the generator in an iteration; each costs (m + 1) B queries."""
    student_steps: int = setting(5, minimum=1)
    """n_S: steps of the student in an iteration, each on a batch of its own: B queries."""
    directions: int = setting(1, minimum=1)
    """m: random directions of a gradient's estimate."""
    difference_step: float = setting(0.0, minimum=0)
    """Length of a forward difference, in units of what is moved; 0: the generator's own, 1e-3 on pixels."""


class ByDifferences(BlackBox):
    """A game whose generator follows estimated gradients.

    Args:
        objective: what the generator raises, of the logits of teacher and student.
    """

    accesses = (PROBABILITIES,)

    def __init__(
        self, name: str, config: Any, setup: Setup, terms: Sequence[Term], objective: Objective, replay_size: int = 0
    ) -> None:
        require_classes(name, setup)
        require_trainable(name, setup)
        super().__init__(config, setup, terms, replay_size)
        rng = torch.Generator(setup.device).manual_seed(4 * setup.seed + 2)
        self.state.streams["directions"] = rng
        self.ascent = DifferenceAscent(
            self.generator, self.pair, self.teacher, objective, config.directions, config.difference_step, rng
        )

    @classmethod
    def queries_per_iteration(cls, config: Any) -> int:
        """Return B (n_G (m + 1) + n_S)."""
        return int(config.batch_size * (config.generator_steps * (config.directions + 1) + config.student_steps))

    def climb(self) -> dict[str, Tensor]:
        """Take the generator's steps of an iteration; the mean objective before the last one, if there is one."""
        measured = {}
        for _ in range(self.config.generator_steps):
            loss, objective = self.ascent.loss(self.config.batch_size, self.latent_rng)
            self.move_generator(loss)
            measured["objective"] = objective
        return measured
