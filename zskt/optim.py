"""How many steps a student takes in each turn, and at which rates."""

from __future__ import annotations

import math
from dataclasses import dataclass

from zskt.experiments.config import Config


def cosine(now: int, steps: int) -> float:
    """From 1 to 0 over the run."""
    return 0.5 * (1 + math.cos(math.pi * now / steps))


@dataclass(frozen=True)
class Schedule:
    """Of a recipe: see `Config.growth` and `Config.warmup`."""

    config: Config

    def steps_until(self, turn: int) -> int:
        """Student steps of all turns before ``turn``."""
        config = self.config
        share: float = (turn / config.pseudo_batches) ** (config.growth + 1)
        return round(config.pseudo_batches * config.student_steps * share)

    def student_rate(self, begin: int, end: int) -> float:
        """Of the student's steps ``begin`` to ``end``."""
        config, steps = self.config, self.steps_until(self.config.pseudo_batches)
        rise = min(end / (config.warmup * steps), 1.0) if config.warmup else 1.0
        return config.student_lr * rise * cosine(begin, steps)

    def generator_rate(self, turn: int) -> float:
        """In turn number ``turn``."""
        return self.config.generator_lr * cosine(turn, self.config.pseudo_batches)
