"""What teacher and students answer to two sets of samples: the prior's pseudo-samples, and those that are evaluated on.

Shapes: N samples, F features.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.domains import DOMAINS
from zskt.errors import UserError
from zskt.experiments.finished import FinishedRun
from zskt.forward import evaluating, split_heads
from zskt.metrics import PREDICT_BATCH
from zskt.networks.additive import Additive
from zskt.viewed import Viewed

N_PRIOR = 1000
"""Pseudo-samples of the prior on which an explanation is scored."""
PRIOR, DATA = "prior", "data"


@dataclass(frozen=True)
class Answers:
    """The answers to one set of samples."""

    name: str
    """Of the samples."""
    teacher: Tensor
    """Logits (N, K), or (N, L, 2)."""
    students: list[Tensor]
    """The same of each run's student."""
    features: list[Tensor | None]
    """(N, F), what the additive network in each run's student is called with; None where it has none."""


def additive_of(student: nn.Module) -> Additive | None:
    """Return the additive network in a student; None if it has none."""
    return next((module for module in student.modules() if isinstance(module, Additive)), None)


def view_of_student(student: nn.Module) -> Any:
    """Return the view in a student; None if it sees all."""
    return next((module.view for module in student.modules() if isinstance(module, Viewed)), None)


def ask(runs: Sequence[FinishedRun]) -> dict[str, Answers]:
    """Ask the teacher of some runs, and their students, about both sets of samples; one where there are no test data.

    Raises:
        UserError: if the domain has no prior.
    """
    evaluator = runs[0].evaluator
    answers = {PRIOR: _ask(runs, _prior(runs[0]), f"prior ({_prior_name(runs[0])})")}
    if evaluator.look() is None:
        answers[DATA] = _ask(runs, _test_samples(runs[0]), evaluator.source.name)
    return answers


def _prior_name(run: FinishedRun) -> str:
    name = DOMAINS[run.card.domain].default_generator
    if name not in run.catalog.generators:
        raise UserError(f"{run.folder}: no prior of {run.card.domain} is known; nothing can be explained without data")
    return name


def _prior(run: FinishedRun) -> Iterator[Batch]:
    """Draw pseudo-samples of the domain's prior, the same ones for all runs of a teacher."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = run.catalog.generators[_prior_name(run)].build(run.card.inputs).to(run.evaluator.device).eval()
    stream = torch.Generator(run.evaluator.device).manual_seed(0)
    for _ in range(0, N_PRIOR, PREDICT_BATCH):
        with torch.no_grad():
            yield generator.draw(PREDICT_BATCH, stream).x


def _test_samples(run: FinishedRun) -> Iterator[Batch]:
    evaluator = run.evaluator
    for start in range(0, len(evaluator.data), PREDICT_BATCH):
        samples: Any = evaluator.data.samples[start : start + PREDICT_BATCH]
        yield tuple(t.to(evaluator.device) for t in evaluator.card.inputs(samples))


@torch.no_grad()
def _ask(runs: Sequence[FinishedRun], batches: Iterator[Batch], name: str) -> Answers:
    teacher = runs[0].evaluator.teacher
    assert teacher is not None  # the runs are opened so
    seen: list[list[Tensor]] = [[] for _ in runs]
    handles = []
    for run, features in zip(runs, seen, strict=True):
        network = additive_of(run.student)
        if network is not None:
            handles.append(network.register_forward_pre_hook(_keeper(features)))
    logits: list[list[Tensor]] = [[] for _ in range(1 + len(runs))]
    try:
        with evaluating(teacher, *(run.student for run in runs)):
            for x in batches:
                for kept, asked in zip(logits, [teacher, *(run.student for run in runs)], strict=True):
                    kept.append(split_heads(asked, asked(*x))[0].cpu())
    finally:
        for handle in handles:
            handle.remove()
    whole = [torch.cat(kept) for kept in logits]
    return Answers(name, whole[0], whole[1:], [torch.cat(kept) if kept else None for kept in seen])


def _keeper(kept: list[Tensor]) -> Any:
    """Make a hook that keeps what a network is called with."""

    def keep(_module: nn.Module, x: tuple[Tensor, ...]) -> None:
        kept.append(x[0].cpu())

    return keep
