"""Data-free model extraction (DFME): the paper's game against a teacher that only answers, by forward differences.

J.-B. Truong, P. Maini, R. J. Walls and N. Papernot, "Data-free model extraction", arXiv:2011.14779: the L1 loss, the
recovery of logits from probabilities, and the forward differences of its sections on them. Numbers of steps, the step
of a difference and where it is taken are those of the published code.

Shapes: B batch, K classes, m directions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zskt.losses import logit_distance
from zskt.methods.by_differences import ByDifferences, ByDifferencesConfig
from zskt.methods.method import Metrics, Setup
from zskt.settings import setting
from zskt.terms import LogitDistance


@dataclass(frozen=True, kw_only=True)
class DFMEConfig(ByDifferencesConfig):
    """Settings of data-free model extraction. Losses are in units of logits, summed over classes."""

    generator_lr: float = setting(1e-4, minimum=0)
    """Learning rate of the generator's Adam."""


class DFME(ByDifferences):
    """Data-free model extraction: the adversary's gradient by forward differences, L1 on recovered logits."""

    Config = DFMEConfig

    def __init__(self, config: DFMEConfig, setup: Setup) -> None:
        super().__init__("dfme", config, setup, (LogitDistance(),), logit_distance)

    def run(self) -> Iterator[Metrics]:
        """Move the generator to where the L1 distance grows, then the student to where it falls."""
        config, state = self.config, self.state
        while state.step < config.iterations:
            measured = self.climb()
            for _ in range(config.student_steps):
                batch, answer = self.ask()
                loss, output = self.student_step(batch.x, answer, config.student_lr * self.fall)
            metrics = self.logged(loss, answer, output, **measured)
            state.step += 1
            yield metrics
