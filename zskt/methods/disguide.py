"""DisGUIDE: a generator seeks samples on which two students disagree, and never asks the teacher.

J. Rosenthal, E. Enouen, H. V. Pham and L. Tan, "DisGUIDE: disagreement-guided data-free model extraction", AAAI 2023:
its disagreement loss, its class diversity loss, experience replay. That the deviation is averaged over classes, and its
weights, are those of the published code. Where two students disagree one of them is wrong.

Shapes: B batch, K classes.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from zskt.checkpoint import TrainState
from zskt.contracts import PseudoBatch
from zskt.errors import UserError
from zskt.forward import Output, Pair, evaluating
from zskt.losses import MIN_PROBABILITY, generator_loss
from zskt.methods.black_box import BlackBox, BlackBoxConfig, require_classes
from zskt.methods.method import Metrics, Setup
from zskt.methods.student import StudentStep
from zskt.optim import require_finite
from zskt.parallel.collectives import mean, whole
from zskt.settings import setting
from zskt.teacher_access import PROBABILITIES, TOP_CLASS, AnswersOnly
from zskt.terms import KL, LogitDistance
from zskt.terms.term import Term

TWIN_SEED = 2_654_435_761
"""Added to a run's seed for the second student, so that it is not the first one again: torch's stream on the CPU takes
32 bits of a seed."""


@dataclass(frozen=True, kw_only=True)
class DisGUIDEConfig(BlackBoxConfig):
    """Settings of DisGUIDE."""

    generator_steps: int = setting(1, minimum=0)
    """Steps of the generator in an iteration, which cost no query."""
    student_steps: int = setting(1, minimum=1)
    """Steps of both students in an iteration on new samples: B queries each."""
    replay_steps: int = setting(3, minimum=0)
    """Steps of both students on kept answers."""
    replay_size: int = setting(65536, minimum=1, maximum=2**24)
    """Answers that are kept for replay, the latest ones; the paper has a million."""
    diversity_weight: float = setting(0.2, minimum=0)
    """Weight of the entropy of the students' mean class probabilities in what the generator maximises, lambda: 0.2 on
    ten classes, 0.04 on a hundred."""
    generator_lr: float = setting(1e-4, minimum=0)
    """Learning rate of the generator's Adam."""


def disagreement(first: Tensor, second: Tensor) -> Tensor:
    """Return the standard deviation of two beliefs, averaged over classes: logits (B, K) or (B, L, 2) -> (B,).

    Of two numbers it is their distance over the square root of 2, whose gradient is finite where both are nearly 0:
    that of a standard deviation is NaN there, as its square is no number of 32 bits.
    """
    p, q = first.softmax(-1), second.softmax(-1)
    return ((p - q).abs() / math.sqrt(2)).flatten(1).mean(1)


def diversity(first: Tensor, second: Tensor) -> Tensor:
    """Return the entropy of the mean belief over samples and students, in nats: logits (B, K) twice -> a scalar."""
    p = mean(((first.softmax(-1) + second.softmax(-1)) / 2).mean(0)).clamp(min=MIN_PROBABILITY)
    return -(p * p.log()).sum()


def twin_of(student: nn.Module, seed: int) -> nn.Module:
    """Copy a student, its layers initialised anew.

    Raises:
        UserError: if none of its layers can be.
    """
    twin = copy.deepcopy(student)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for module in twin.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
    if all(torch.equal(a, b) for a, b in zip(student.parameters(), twin.parameters(), strict=True)):
        raise UserError("disguide: the student has no layer with reset_parameters(), so that no other can begin anew")
    return twin


class DisGUIDE(BlackBox):
    """DisGUIDE: two students, and a generator that seeks where they disagree; the first student is the result."""

    Config = DisGUIDEConfig
    accesses = (PROBABILITIES, TOP_CLASS)

    def __init__(self, config: DisGUIDEConfig, setup: Setup) -> None:
        require_classes("disguide", setup)
        teacher = setup.pair.teacher
        hard = isinstance(teacher, AnswersOnly) and teacher.access == TOP_CLASS
        terms: tuple[Term, ...] = (KL(),) if hard else (LogitDistance(),)  # of one-hot answers KL is the cross-entropy
        super().__init__(config, setup, terms, config.replay_size)
        self.twin = twin_of(setup.pair.student, setup.seed + TWIN_SEED)
        optimizer = self.student_optimizer(self.twin)
        self.state.parts |= {"twin": self.twin, "twin_optimizer": optimizer}
        pair: Pair = replace(self.pair, student=self.twin)
        apart = TrainState(parts={}, streams={}, device=setup.device)  # its steps are not the student's
        self.twin_step = StudentStep(pair, terms, apart, optimizer, config.max_grad_norm)

    @classmethod
    def queries_per_iteration(cls, config: Any) -> int:
        """Return B n_S: the generator asks nothing."""
        return int(config.batch_size * config.student_steps)

    def run(self) -> Iterator[Metrics]:
        """Move the generator to where the students disagree, then both students to what the teacher says there."""
        config, state = self.config, self.state
        while state.step < config.iterations:
            measured: dict[str, Tensor] = {}
            for _ in range(config.generator_steps if self.generator_optimizer is not None else 0):
                measured = self.seek()
            for _ in range(config.student_steps):
                batch, answer = self.ask()
                self.replay.add(batch.x, answer)
                loss, output = self.learn(batch.x, answer)
            for _ in range(config.replay_steps):
                x, answer = self.replayed()
                loss, output = self.learn(x, answer)
            metrics = self.logged(loss, answer, output, **measured)
            require_finite(self.twin_step.optimizer, "second student's")
            state.step += 1
            yield metrics

    def seek(self) -> dict[str, Tensor]:
        """Take a step of the generator up the students' disagreement; what there is to log."""
        batch = self.generator.sample(self.config.batch_size, self.latent_rng)
        with evaluating(self.pair.student, self.twin):
            first = self.pair.ask_student(batch.x).logits
            second = self.twin_step.pair.ask_student(batch.x).logits
        apart = disagreement(first, second)
        reward = apart + self.config.diversity_weight * diversity(first, second)
        if batch.component is not None:
            self.generator.update(whole(batch.component), whole(apart.detach()))
        self.move_generator(generator_loss(reward, batch.log_prob, batch.penalty))
        return {"disagreement": apart.mean()}

    def ask(self, latent: tuple[Tensor, ...] = ()) -> tuple[PseudoBatch, Output]:
        """Draw new samples from the generator in evaluation mode, as the published code does, and ask about them."""
        with evaluating(self.generator):
            return super().ask(latent)

    def learn(self, x: tuple[Tensor, ...], answer: Output) -> tuple[Tensor, Output]:
        """Take a step of both students; the loss and the output of the first."""
        rate = self.config.student_lr * self.fall
        self.twin_step(x, answer, rate)
        return self.student_step(x, answer, rate)
