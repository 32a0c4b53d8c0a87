"""Prior only: a student from a generator that needs no gradient, and answers; ours.

The generator knows what samples may look like and stays as it is. What it may choose, the mix of its components (hard
processes of jets, kinds of objects), follows what each was worth: the disagreement of student and teacher on its
samples, which the answers tell for nothing. Of all mixes, E[worth] - tau KL(mix || prior) is largest for
prior exp(worth / tau), see `generators.jets.process_mixture`. The student's side is that of our recipe of ZSKT: answers
are kept, each step mixes new with earlier ones, and steps grow with their number.

Shapes: B batch, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zskt.contracts import Batch, PseudoBatch
from zskt.forward import Output
from zskt.losses import class_information, divergence, value_distance
from zskt.methods.black_box import BlackBox, BlackBoxConfig
from zskt.methods.method import Metrics, Setup
from zskt.optim import StudentSchedule
from zskt.parallel.collectives import whole
from zskt.replay import mixed
from zskt.settings import setting
from zskt.teacher_access import PROBABILITIES, TOP_CLASS
from zskt.terms import KL, Values
from zskt.terms.term import Term


@dataclass(frozen=True, kw_only=True)
class PriorOnlyConfig(BlackBoxConfig):
    """Settings of learning from a prior. Losses are in nats per example."""

    schedule: str = setting("cosine", choices=("cosine",))
    """Other methods that only ask may have their rates fall otherwise; here steps grow in number, and their rate falls
    with each."""
    student_steps: int = setting(10, minimum=1)
    """Student steps an iteration, on average over the run; of new samples there is one batch: B queries."""
    step_growth: float = setting(1.0, minimum=0)
    """Student steps of iteration i go with i^step_growth, as the answers that there are to learn from."""
    replay_fraction: float = setting(0.9, minimum=0, below=1)
    """Share of each student batch that comes from earlier answers."""
    replay_size: int = setting(65536, minimum=1, maximum=2**24)
    """Answers that are kept, the latest ones."""
    replay_balance: float = setting(0.5, minimum=0, maximum=2)
    """Replay draws a sample with probability ~ (frequency of its class among the teacher's answers)^-replay_balance."""
    class_entropy_weight: float = setting(0.0, minimum=0)
    """Weight of how rare a sample's class is in its batch, in what the sample is worth."""
    regression_weight: float = setting(1.0, minimum=0)
    """Weight of the distance of regressed values, for teachers that have such."""
    temperature: float = setting(1.0, above=0)
    """Temperature of both softmaxes in KL(T || S)."""
    warmup: float = setting(0.0, minimum=0, maximum=1)
    """Share of the student's steps in which its rate rises to the cosine."""


class PriorOnly(BlackBox):
    """Prior only: a generator without gradient, its mix of components by what each was worth, and kept answers."""

    Config = PriorOnlyConfig
    accesses = (PROBABILITIES, TOP_CLASS)
    trains_generator = False

    def __init__(self, config: PriorOnlyConfig, setup: Setup) -> None:
        terms: list[Term] = [KL(temperature=config.temperature)]
        scale = setup.pair.regression_scale
        if scale is not None and config.regression_weight:
            terms.append(Values(config.regression_weight, scale=scale, gaussians=setup.pair.gaussians))
        super().__init__(config, setup, terms, config.replay_size)
        self.chosen = setup.chosen
        self.schedule = StudentSchedule(
            iterations=config.iterations,
            student_steps=config.student_steps,
            lr=config.student_lr,
            growth=config.step_growth,
            warmup=config.warmup,
        )

    @classmethod
    def queries_per_iteration(cls, config: Any) -> int:
        """Return B: each sample is asked about once."""
        return int(config.batch_size)

    def run(self) -> Iterator[Metrics]:
        """Ask about a batch of the prior, tell its mix what that was worth, and learn from all answers there are."""
        config, state, schedule = self.config, self.state, self.schedule
        while state.step < config.iterations:
            batch, target = self.ask()
            worth = self.worth(batch, target)
            if batch.component is None:
                why = "the generator has no components to choose among"
                config.tell_unused(why, "class_entropy_weight", chosen=self.chosen)
            else:
                self.generator.update(whole(batch.component), whole(worth))
            self.replay.add(batch.x, target)
            begin, end = schedule.steps_until(state.step), schedule.steps_until(state.step + 1)
            metrics: Metrics = {}
            for _ in range(end - begin):
                x, answer = self.with_replay(batch.x, target)
                loss, output = self.student_step(x, answer, schedule.rate(begin, end))
            if begin < end:
                metrics = self.logged(loss, answer, output, worth=worth.mean())
                metrics["rate/student"] = schedule.rate(begin, end)
            state.step += 1
            yield metrics

    @torch.no_grad()
    def worth(self, batch: PseudoBatch, answer: Output) -> Tensor:
        """Return what each sample was worth, (B,): how far the student was off, and how rare its class is."""
        config, scale = self.config, self.pair.regression_scale
        output = self.pair.ask_student(batch.x)
        worth = divergence(answer.logits, output.logits, config.temperature)
        if scale is not None and config.regression_weight:
            worth = worth + config.regression_weight * value_distance(answer, output, scale, self.pair.gaussians)
        if config.class_entropy_weight:
            worth = worth + config.class_entropy_weight * class_information(answer.logits)
        return worth

    def with_replay(self, x: Batch, target: Output) -> tuple[Batch, Output]:
        """Mix new samples with earlier ones by `PriorOnlyConfig.replay_fraction`; of several ranks each its share."""
        config = self.config
        return mixed(
            (x, target), len(whole(target.logits)), self.replay, config.batch_size,
            share=config.replay_fraction, balance=config.replay_balance, rng=self.replay_rng,
        )  # fmt: skip
