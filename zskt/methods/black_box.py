"""What methods share that only ask: a student that learns from answers, fresh ones and kept ones, within a budget.

Shapes: B batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from zskt.checkpoint import TrainState
from zskt.contracts import Batch, PseudoBatch
from zskt.errors import UserError
from zskt.forward import CountedTeacher, Output
from zskt.generator import is_trainable
from zskt.methods.method import Method, Metrics, Setup
from zskt.methods.student import StudentStep, as_numbers, trainable
from zskt.optim import OPTIMIZERS, SCHEDULES, adam, require_finite, set_rate, step
from zskt.parallel.collectives import share_of
from zskt.parallel.ranks import world
from zskt.replay import ReplayBuffer, put_together
from zskt.settings import Settings, sample_count, setting
from zskt.terms.term import Term

BLACK_BOX_SCHEDULES = ("cosine", "constant", "drops-10-30-50", "drops-40-80", "drops-50-80")
"""Those of `zskt.optim.SCHEDULES` that methods have which only ask."""
FEWEST = 2
"""Samples of a batch: what normalises over one cannot do with less."""


@dataclass(frozen=True, kw_only=True)
class BlackBoxConfig(Settings):
    """Settings of every method that only asks."""

    iterations: int = setting(400, minimum=1)
    """Rounds of both players; a budget of queries may end the run before."""
    batch_size: int = sample_count(128)
    """B: pseudo-samples of a step."""
    optimizer: str = setting("adamw", choices=tuple(OPTIMIZERS))
    """The student's: AdamW, or gradient descent with a momentum of 0.9, which the papers have."""
    student_lr: float = setting(2e-3, minimum=0)
    """Learning rate of the student at the beginning."""
    schedule: str = setting("cosine", choices=BLACK_BOX_SCHEDULES)
    """How the student's learning rate falls, and the generator's: to 0 by a cosine, by 0.3 at each of the shares of the
    run that the name says, or not at all."""
    generator_lr: float = setting(1e-3, minimum=0)
    """Learning rate of the generator's Adam."""
    weight_decay: float = setting(0.0, minimum=0)
    """Weight decay of the student."""
    max_grad_norm: float = setting(5.0, minimum=0)
    """Norm to which gradients are clipped; 0 does not clip."""


class BlackBox(Method):
    """A method that only asks.

    Args:
        terms: of the student's loss.
        replay_size: answers that are kept; 0 keeps none.
    """

    Config = BlackBoxConfig
    needs_generator = True
    needs_data = False
    name = "black-box"
    betas: ClassVar[tuple[float, float]] = (0.9, 0.999)
    """Of the generator's Adam."""

    def __init__(self, config: Any, setup: Setup, terms: Sequence[Term], replay_size: int = 0) -> None:
        assert setup.generator is not None and setup.pair.teacher is not None
        share_of(config.batch_size)
        self.config, self.pair, self.generator, self.terms = config, setup.pair, setup.generator, terms
        self.latent_rng = torch.Generator(setup.device).manual_seed(4 * setup.seed)
        self.replay_rng = torch.Generator(setup.device).manual_seed(4 * setup.seed + 1)
        optimizer = self.student_optimizer(setup.pair.student)
        self.state = TrainState(
            parts={"student": setup.pair.student, "student_optimizer": optimizer, "generator": setup.generator},
            streams={"latent": self.latent_rng, "replay": self.replay_rng},
            device=setup.device,
        )
        self.generator_optimizer: torch.optim.Optimizer | None = None
        if self.trains_generator and is_trainable(setup.generator):
            self.generator_optimizer = adam(list(setup.generator.parameters()), config.generator_lr, self.betas)
            self.state.parts["generator_optimizer"] = self.generator_optimizer
        if replay_size:
            share_of(replay_size, "replay_size")
            self.replay = ReplayBuffer(replay_size, setup.device)
            self.state.parts["replay"] = self.replay
        self.student_step = StudentStep(self.pair, terms, self.state, optimizer, config.max_grad_norm)
        self.teacher = CountedTeacher(self.pair, self.state)

    def student_optimizer(self, student: nn.Module) -> torch.optim.Optimizer:
        """Make the optimiser that the settings name."""
        make = OPTIMIZERS[self.config.optimizer]
        return make(trainable(student), self.config.student_lr, self.config.weight_decay)

    @property
    def fall(self) -> float:
        """Factor on learning rates in this iteration."""
        return SCHEDULES[self.config.schedule](self.state.step, self.config.iterations)

    @torch.no_grad()
    def ask(self, latent: tuple[Tensor, ...] = ()) -> tuple[PseudoBatch, Output]:
        """Draw B pseudo-samples, as many as the budget has left, and ask the teacher about them.

        Args:
            latent: `PseudoBatch.latent` of an earlier batch, whose z is taken again.

        Raises:
            BudgetSpent: if there are not enough left for a batch.
        """
        batch = self.generator.sample(self.affordable(), self.latent_rng, latent=latent)
        return batch, self.teacher.query(batch.x)

    def affordable(self) -> int:
        """Return the size of the next batch: B, or what the budget has left."""
        count, meter = int(self.config.batch_size), self.pair.meter
        if meter is None:
            return count
        left = meter.affordable(count)
        if left < FEWEST * world().size:
            meter.require(count)
        return left

    def replayed(self) -> tuple[Batch, Output]:
        """Draw B of the kept answers."""
        return put_together(*self.replay.draw(self.config.batch_size, self.replay_rng))

    def move_generator(self, loss: Tensor) -> None:
        """Take a step of the generator down a loss."""
        assert self.generator_optimizer is not None
        set_rate(self.generator_optimizer, self.config.generator_lr * self.fall)
        step(loss, self.generator_optimizer, self.config.max_grad_norm)

    def logged(self, loss: Tensor, answer: Output, output: Output, **more: Tensor) -> Metrics:
        """Return what an iteration logs of its last step."""
        if self.generator_optimizer is not None:
            require_finite(self.generator_optimizer, "generator's")
        metrics = self.student_step.metrics(loss, answer.logits, output.logits)
        rate = {"rate/student": self.config.student_lr * self.fall}
        return {**metrics, **as_numbers({f"{name}/generator": value for name, value in more.items()}), **rate}

    @property
    def result(self) -> nn.Module:
        """The student that the run leaves."""
        return self.student_step.result


def require_classes(name: str, setup: Setup) -> None:
    """Raise `UserError` if a teacher regresses values beside its classes, of which a method knows nothing."""
    if setup.pair.regression_scale is not None:
        raise UserError(f"{name}: knows classes alone, but the teacher regresses values, too; use method prior-only")


def require_trainable(name: str, setup: Setup) -> None:
    """Raise `UserError` if there is no generator to train, or several processes would each move their own samples."""
    if not is_trainable(setup.generator):
        raise UserError(f"{name}: trains its generator, and this one has nothing to train; use method prior-only")
    if world().size > 1:
        raise UserError(f"{name}: its finite differences run in one process; start it without torchrun")
