"""Data-free adversarial distillation (DFAD): a generator and a student play for the L1 distance of logits.

G. Fang et al., "Data-free adversarial distillation", arXiv:1912.11006. Steps a round, rates and their
schedule are those of the published code for CIFAR-10: 500 epochs of 50 rounds.

Shapes: B batch, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from zskt.errors import UserError
from zskt.losses import logit_l1
from zskt.methods.generative import GENERATIVE_SCHEDULES, Asked, Generative, GenerativeConfig
from zskt.methods.method import Metrics, Setup
from zskt.settings import setting
from zskt.terms import LogitL1


@dataclass(frozen=True, kw_only=True)
class DFADConfig(GenerativeConfig):
    """Settings of data-free adversarial distillation. Losses are in units of logits."""

    iterations: int = setting(25_000, minimum=1)
    """Rounds: student steps, then a step of the generator."""
    student_steps: int = setting(5, minimum=1)
    """n_S: student steps a round, each on fresh pseudo-samples about which the teacher is queried."""
    adversarial_weight: float = setting(1.0, minimum=0)
    """Weight of the L1 distance that the generator maximises. A generator that pays in nats for leaving its prior, as
    the shower of jets, needs a small one, as logits differ by many units."""
    schedule: str = setting("multistep", choices=GENERATIVE_SCHEDULES)
    """How the student's learning rate falls: by 10 after 20 and 40 % of the run, or to 0 by a cosine."""
    generator_schedule: str = setting("multistep", choices=GENERATIVE_SCHEDULES)
    """The same of the generator's."""


class DFAD(Generative):
    """The game of ZSKT on the L1 distance of logits."""

    Config = DFADConfig
    name = "dfad"

    def __init__(self, config: DFADConfig, setup: Setup) -> None:
        if setup.pair.regression_scale is not None:
            raise UserError("dfad: knows logits alone, but the teacher regresses values, too; use --method zskt")
        super().__init__(config, setup, (LogitL1(),))

    def run(self) -> Iterator[Metrics]:
        """Take n_S steps of the student and one of the generator a round, to the last one."""
        config, state = self.config, self.state
        while state.step < config.iterations:
            for _ in range(config.student_steps):
                x, answer = self.fresh()
                loss, output = self.student_step(x, answer, self.student_rate)
            metrics = self.metrics((loss, answer, output), self.move_generator())
            state.step += 1
            yield metrics

    def losses(self, asked: Asked) -> Tensor:
        """Return minus the L1 distance of each sample: (B,)."""
        assert asked.student is not None
        distance: Tensor = -self.config.adversarial_weight * logit_l1(asked.teacher, asked.student)
        return distance
