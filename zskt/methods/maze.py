"""MAZE: model stealing by zeroth-order gradients of the KL divergence, with replay of earlier answers.

S. Kariyappa, A. Prakash and M. K. Qureshi, "MAZE: data-free model stealing attack using zeroth-order gradient
estimation", arXiv:2005.03161, its algorithm 1; numbers of steps and directions are those of the published code. Replay
is bounded here, and nothing is ever differentiated through the teacher.

Shapes: B batch, m directions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zskt.losses import divergence
from zskt.methods.by_differences import ByDifferences, ByDifferencesConfig
from zskt.methods.method import Metrics, Setup
from zskt.settings import setting
from zskt.terms import KL


@dataclass(frozen=True, kw_only=True)
class MAZEConfig(ByDifferencesConfig):
    """Settings of MAZE. Losses are in nats per example."""

    replay_steps: int = setting(10, minimum=0)
    """N_R: steps of the student on earlier answers, which cost nothing."""
    replay_size: int = setting(65536, minimum=1, maximum=2**24)
    """Answers that are kept for replay, the latest ones."""
    directions: int = setting(10, minimum=1)
    """m: random directions of a gradient's estimate."""


class MAZE(ByDifferences):
    """MAZE: zeroth-order gradients of the divergence, and experience replay."""

    Config = MAZEConfig

    def __init__(self, config: MAZEConfig, setup: Setup) -> None:
        super().__init__("maze", config, setup, (KL(),), divergence, config.replay_size)

    def run(self) -> Iterator[Metrics]:
        """Move the generator up KL(T || S), the student down on new answers, then on kept ones."""
        config, state = self.config, self.state
        while state.step < config.iterations:
            measured, rate = self.climb(), config.student_lr * self.fall
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
