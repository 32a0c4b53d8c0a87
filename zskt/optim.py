"""Learning-rate schedules, and one step of an optimiser that refuses a gradient that is not finite."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zskt.losses import finite


def cosine(now: int, steps: int) -> float:
    """Fall from 1 to 0 over the run."""
    return 0.5 * (1 + math.cos(math.pi * now / steps))


def step_decay(now: int, steps: int) -> float:
    """Divide by 5 after 30, 60 and 80 % of the run (Zagoruyko and Komodakis, arXiv:1605.07146, section 3)."""
    return 0.2 ** sum(now >= share * steps for share in (0.3, 0.6, 0.8))


@dataclass(frozen=True, kw_only=True)
class StudentSchedule:
    """How many steps a student takes in each iteration, and at which learning rates."""

    iterations: int
    student_steps: int
    """On average over the run."""
    lr: float
    growth: float = 0.0
    """Steps of iteration i go with i^growth."""
    warmup: float = 0.0
    """Share of the steps in which the rate rises to the cosine."""

    def steps_until(self, iteration: int) -> int:
        """Count the student steps of all iterations before ``iteration``."""
        share: float = (iteration / self.iterations) ** (self.growth + 1)
        return round(self.iterations * self.student_steps * share)

    def rate(self, begin: int, end: int) -> float:
        """Return the learning rate of the student steps ``begin`` to ``end``."""
        steps = self.steps_until(self.iterations)
        rise = min(end / (self.warmup * steps), 1.0) if self.warmup else 1.0
        return self.lr * rise * cosine(begin, steps)


def step(loss: Tensor, optimizer: torch.optim.Optimizer, max_grad_norm: float = 0.0) -> None:
    """Take one step on ``loss`` of the optimiser's parameters alone, their gradient clipped to a norm if positive.

    Raises:
        NonFiniteLoss: if the gradient is NaN or infinite; the parameters stay as they were.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    optimizer.zero_grad(set_to_none=True)
    loss.backward(inputs=parameters)  # type: ignore[no-untyped-call]
    finite(nn.utils.clip_grad_norm_(parameters, max_grad_norm or math.inf), "norm of the gradient")
    optimizer.step()
