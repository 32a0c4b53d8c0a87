"""What is done before a run begins, from the command line and from Python: a few samples tell whether all fits."""

from __future__ import annotations

import torch

from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.forward import evaluating, forward
from zskt.methods import Method, Setup
from zskt.methods.student import require_comparable
from zskt.networks.regression_head import RegressionHead

N_CALIBRATION = 512
"""Samples from which a student learns the scale of regressed values."""
BUDGET_SHARE = 10
"""Of a budget of queries, one part in so many may be spent on that."""
N_CHECK = 16
"""Samples on which networks are tried before a run begins."""


@torch.no_grad()
def first_samples(setup: Setup, count: int) -> Batch:
    """Take a few samples of what the student will learn from, from a random stream of their own.

    Returns:
        What the networks are called with: tensors (count, ...), fewer where there are fewer data.
    """
    if setup.shards is not None:
        return tuple(t.to(setup.device) for t in setup.shards.first(count))
    if setup.data is not None:
        assert setup.inputs is not None
        return tuple(t.to(setup.device) for t in setup.inputs(setup.data[:count].samples))
    assert setup.generator is not None
    return setup.generator.draw(count, torch.Generator(setup.device).manual_seed(0)).x


@torch.no_grad()
def require_fit(method: Method, setup: Setup, x: Batch | None = None) -> None:
    """See that the terms of the loss have something to compare; modes and random streams stay as they were.

    Args:
        x: samples to try, (B, ...) each; by default the first ones. A user's iterator gives each of its own once.

    Raises:
        UserError: if a term compares layers that the networks do not name, or that differ in shape.
    """
    if not any(term.needs_layers or term.needs_gradient or term.probe for term in method.terms):
        return
    with evaluating(setup.pair.teacher, setup.pair.student, setup.generator):
        require_comparable(method.terms, setup.pair, first_samples(setup, N_CHECK) if x is None else x)


@torch.no_grad()
def calibrate(student: RegressionHead, setup: Setup) -> None:
    """Tell a student that regresses what the teacher's values spread over; a budget pays a tenth for it at most.

    Raises:
        UserError: if that is not two samples.
    """
    assert setup.pair.teacher is not None
    budget = 0 if setup.pair.meter is None else setup.pair.meter.limit
    count = min(N_CALIBRATION, budget // BUDGET_SHARE) if budget else N_CALIBRATION
    if count < 2:
        raise UserError(f"queries is {budget}: too few to learn from; give at least {2 * BUDGET_SHARE}")
    student.calibrate(forward(setup.pair.teacher, first_samples(setup, count)).extras["values"])
