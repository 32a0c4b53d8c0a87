"""What every method of distillation has in common: what it is given, and what it must offer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import nn

from zskt.checkpoint import TrainState
from zskt.contracts import Inputs
from zskt.dataset import Labelled
from zskt.errors import UserError
from zskt.forward import Pair
from zskt.generator import Generator
from zskt.settings import Settings
from zskt.shard_stream import AnswerShards
from zskt.teacher_access import GRADIENT
from zskt.terms.term import Term

Metrics = dict[str, float]
"""What an iteration has to log, by name."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a method is given beside its settings."""

    pair: Pair
    generator: Generator | None = None
    """For methods that need one."""
    prior: Generator | None = None
    """A second one, of which nothing is trained: its samples teach beside those that the method makes."""
    data: Labelled | None = None
    """Samples to learn from, for methods that need them."""
    shards: AnswerShards | None = None
    """Samples that the teacher has answered already, in place of ``data``; they need not fit in memory."""
    inputs: Inputs | None = None
    """How samples of ``data`` become what the networks are called with."""
    classes: tuple[str, ...] = ()
    """Names of the teacher's classes, as far as they are known."""
    seed: int = 0
    """Seed of every random stream of the method."""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


class Method(ABC):
    """A method: its settings, its state, its loop, and the student that it leaves."""

    Config: ClassVar[type[Settings]]
    """Its settings; they have ``iterations`` and ``batch_size``."""
    needs_generator: ClassVar[bool] = True
    needs_data: ClassVar[bool] = False
    needs_teacher: ClassVar[bool] = True
    needs_labels: ClassVar[bool] = False
    """Whether every sample of its data must carry its class."""
    accesses: ClassVar[tuple[str, ...]] = (GRADIENT,)
    """What it may be given to see of the teacher, of `zskt.teacher_access.ACCESSES`: first what it is made for."""
    takes_prior: ClassVar[bool] = False
    """Whether it learns from the samples of a prior, too."""
    trains_generator: ClassVar[bool] = True
    """Whether a generator's parameters are trained; if not, it stays the prior that it begins as."""
    config: Any
    """Its settings."""
    state: TrainState
    """All that a checkpoint holds."""
    terms: Sequence[Term] = ()
    """Terms of the student's loss."""

    @abstractmethod
    def __init__(self, config: Any, setup: Setup) -> None: ...

    @classmethod
    def queries_per_iteration(cls, config: Any) -> int | None:
        """Return how many samples the teacher is asked about in an iteration; None if that varies.

        A run with a budget of queries, and no word on its length, is made as long as the budget lasts.
        """
        return None

    @classmethod
    def within_budget(cls, config: Any, queries: int, samples: int = 0) -> Any:
        """Return settings of a run that is no longer than a budget of queries lasts; its rates fall to 0 by then.

        Args:
            queries: 0 for any number.
            samples: how many it learns from, where it learns from data.

        Raises:
            UserError: if the budget does not last one iteration.
        """
        length = iterations_of(cls, config, queries)
        return config if length is None or length >= config.iterations else config.with_(iterations=length)

    @property
    def queries_before_learning(self) -> int:
        """How many samples the teacher is asked about, at least, before the student can take its first step."""
        return 0

    @abstractmethod
    def run(self) -> Iterator[Metrics]:
        """Iterate from `TrainState.step` to the end, and yield what each iteration has to log."""

    @property
    @abstractmethod
    def result(self) -> nn.Module:
        """The student that the run leaves."""


def iterations_of(kind: type[Method], config: Any, queries: int) -> int | None:
    """Return how many iterations a budget of queries lasts; None without one, or if it cannot be told.

    Raises:
        UserError: if it does not last one.
    """
    cost = kind.queries_per_iteration(config)
    if not cost or not queries:
        return None
    if queries < cost:
        raise UserError(f"queries is {queries}, but an iteration costs {cost}: give more, or a smaller batch_size")
    return queries // cost
