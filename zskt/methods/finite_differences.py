"""Gradients of a teacher that gives none: finite differences along random directions, written once for all methods.

What is moved are the continuous numbers that a generator's parameters decide (`zskt.generator.Draft`): pixels before
they leave the generator, the free numbers of particles, latent variables where a simulation follows. From there on the
generator's own graph carries the estimate to its parameters.

Sources: DFME (arXiv:2011.14779, forward differences) and MAZE (arXiv:2005.03161, zeroth-order gradient estimation).
Shapes: B samples, D numbers of a sample, m directions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from zskt.contracts import PseudoBatch
from zskt.forward import CountedTeacher, Pair, evaluating
from zskt.generator import Draft, Generator
from zskt.losses import generator_loss

Objective = Callable[[Tensor, Tensor], Tensor]
"""Logits of teacher and student -> what the generator is to raise, (B,)."""
Value = Callable[[PseudoBatch], Tensor]
"""Pseudo-samples -> the objective of each, (B,)."""


@torch.no_grad()
def forward_differences(
    value: Value, draft: Draft, rows: Tensor, start: Tensor, directions: int, step: float, rng: torch.Generator
) -> Tensor:
    """Estimate the gradient of each sample's objective by its numbers, (B, D): the mean over directions u of
    D (value(x + step u) - value(x)) / step u, where u is uniform on the unit sphere.

    Its mean is the gradient where the objective is smooth on the scale of ``step``. A sample that leaves the domain
    when it is moved adds nothing.

    Args:
        value: asks the teacher, m B times at most.
        rows: (B,), rows of the draft that are looked at.
        start: (B,), their objective as they are.
        directions: m.
        step: length of a move, in units of the draft's numbers.
    """
    numbers = draft.numbers.detach()[rows]
    gradient = torch.zeros_like(numbers)
    size = numbers.shape[1]
    for _ in range(directions):
        u = torch.randn(numbers.shape, generator=rng, device=numbers.device)
        u = torch.nn.functional.normalize(u, dim=1)
        moved, out = draft.make(numbers + step * u, rows)
        if len(out):
            change = (value(moved) - start[out]) / step
            gradient[out] += size * change.unsqueeze(1) * u[out]
    return gradient / directions


@dataclass
class DifferenceAscent:
    """A generator's way up an objective that is only ever asked for.

    Args:
        objective: of the logits of teacher and student.
        directions: m; a step of the generator costs (m + 1) B queries.
        step: length of a move; 0 for the generator's own.
    """

    generator: Generator
    pair: Pair
    teacher: CountedTeacher
    objective: Objective
    directions: int
    step: float
    rng: torch.Generator

    def value(self, batch: PseudoBatch) -> Tensor:
        """Ask teacher and student about samples, the student with its running statistics; their objective, (B,)."""
        answer = self.teacher.query(batch.x)
        return self.objective(answer.logits, self.pair.ask_student(batch.x).logits)

    def loss(self, count: int, latent_rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw ``count`` samples, fewer where some fall outside the domain; what the generator minimises, a scalar with
        the estimated gradient, and the mean objective.

        Raises:
            BudgetSpent: before anything is asked, if the step would cost more queries than are left.
        """
        if self.pair.meter is not None:
            self.pair.meter.require((self.directions + 1) * count)
        z = self.generator.latent(math.ceil(count / self.generator.acceptance), latent_rng)
        draft = self.generator.draft(z, latent_rng)
        with torch.no_grad(), evaluating(self.pair.student):
            batch, rows = draft.make(draft.numbers.detach(), torch.arange(len(z), device=z.device))
            rows = rows[:count]
            batch = PseudoBatch(tuple(t[:count] for t in batch.x))
            start = self.value(batch)
            step = self.step or self.generator.difference_step
            gradient = forward_differences(self.value, draft, rows, start, self.directions, step, self.rng)
        if draft.component is not None:
            self.generator.update(draft.component[rows], start)
        slope = (draft.numbers[rows] * gradient).sum(1)
        reward = start + slope - slope.detach()  # the value as it was asked for, the gradient as it was estimated
        log_prob = None if draft.log_prob is None else draft.log_prob[rows]
        return generator_loss(reward, log_prob, draft.penalty), start.mean()
