"""What a system of the literature is here: a published experiment, run through `zskt.distill`, and its figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from zskt.api import distill
from zskt.contracts import Batch
from zskt.viewed import View, Viewed

Figures = dict[str, float]
"""Figures of one seed, by the names of `System.published`."""


@dataclass(frozen=True, kw_only=True)
class System:
    """A published experiment that minutes can repeat."""

    title: str
    source: str
    """Publication, and where in it the figures are."""
    published: dict[str, str]
    """Figure -> what was published, as it is written there; "" where the figure is ours alone."""
    run: Callable[..., Figures]
    """Seed, folder of MNIST (None fetches it) -> figures; where `takes_catalog`, seed and `Catalog` -> figures."""
    takes_catalog: bool = False
    """Whether it takes teachers and generators from the shelves, and not MNIST."""
    seeds: int
    """Repetitions, n."""
    remark: str = ""
    """What a reader must know before comparing the two columns."""


@dataclass(frozen=True)
class Part:
    """A view of vectors: the columns from one to another."""

    first: int
    last: int

    def __call__(self, x: Tensor) -> Batch:
        """(B, F) -> ((B, last - first),)."""
        return (x[:, self.first : self.last],)


def behind(transform: Callable[..., Batch], network: nn.Module) -> nn.Module:
    """Put a network behind a view that needs no specification of what it leaves."""
    return Viewed(View(transform, None), network)


def learned(
    student: nn.Module,
    x: Tensor,
    labels: Tensor,
    *,
    teacher: nn.Module | None = None,
    epochs: int,
    seed: int,
    kd_fraction: float = 0.0,
    **settings: Any,
) -> nn.Module:
    """Train a network from labelled samples, beside a teacher if there is one; method "supervised".

    Args:
        x: (N, ...)
        labels: (N,), of int64.
        kd_fraction: the teacher's share of the loss.
    """
    run = distill(
        teacher,
        student,
        data=(x, labels),
        method="supervised",
        iterations=epochs,
        seed=seed,
        kd_fraction=kd_fraction if teacher is not None else 0.0,
        progress=False,
        **settings,
    )
    return run.student


def error(network: nn.Module, x: Tensor, labels: Tensor) -> float:
    """Return the share of samples whose top class is not their label."""
    from zskt.api import evaluate

    return 1.0 - float(evaluate(network, None, (x, labels))["accuracy"])
