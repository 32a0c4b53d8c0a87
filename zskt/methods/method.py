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
from zskt.generator import Generator, is_trainable
from zskt.settings import Settings
from zskt.shard_stream import AnswerShards
from zskt.teacher_access import GRADIENT
from zskt.terms.term import Term

Metrics = dict[str, float]
"""What an iteration has to log, by name."""
WARMUPS = ("synthesis_warmup", "generator_warmup")
"""Settings that make the student wait."""


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
    chosen: frozenset[str] | None = None
    """Names of the method's settings that the user chose, where a preset chose others; None if that is not known."""
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
    layer_weight: ClassVar[str | None] = None
    """Name of the setting that weighs what the layers say which a teacher names, of methods that look at them."""

    @abstractmethod
    def __init__(self, config: Any, setup: Setup) -> None: ...

    @classmethod
    def queries_per_iteration(cls, config: Any) -> int | None:
        """Return how many samples the teacher is asked about in each iteration; None if iterations differ."""
        return None

    @classmethod
    def queries_of(cls, config: Any, setup: Setup | None = None) -> int | None:
        """Return how many samples the teacher is asked about in a whole run; None if that cannot be told.

        A run with a budget of queries, and no word on its length, is made as long as the budget lasts. The number grows
        with ``iterations``. Where samples may fall outside their domain it is the most that the run asks.

        Args:
            setup: what the run is given; without it, the number is that of the run that asks least.
        """
        cost = cls.queries_per_iteration(config)
        return None if cost is None else cost * int(config.iterations)

    @classmethod
    def within_budget(cls, config: Any, queries: int, setup: Setup | None = None) -> Any:
        """Return settings of a run that is no longer than a budget of queries lasts; its rates fall to 0 by then.

        Args:
            queries: 0 for any number.
            setup: what the run is given.

        Raises:
            UserError: if the budget does not last one iteration.
        """
        length = iterations_of(cls, config, queries, setup)
        return config if length is None or length >= config.iterations else config.with_length(length)

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


def trains(setup: Setup | None) -> bool:
    """Whether a run has a generator with parameters to train, as far as that is known."""
    return setup is not None and setup.generator is not None and is_trainable(setup.generator)


def iterations_of(kind: type[Method], config: Any, queries: int, setup: Setup | None = None) -> int | None:
    """Return how many iterations a budget of queries lasts; None without one, or if it cannot be told.

    Of a method that warms up it is at least one behind the warm-up: whether the student then learns, is told later.

    Args:
        setup: what the run is given; without it the number is the largest that it may turn out to be.

    Raises:
        UserError: if the budget does not last one.
    """

    def cost(iterations: int) -> int:
        return kind.queries_of(config.with_length(iterations), setup) or 0

    longest = 1 + int(getattr(config, "iterations_before_learning", 0))
    least = cost(longest)
    if not least or not queries:
        return None
    if queries < least:
        if any(getattr(config, name, 0) for name in WARMUPS):
            return longest
        raise UserError(f"queries is {queries}, but an iteration costs {least}: give more, or a smaller batch_size")
    beyond = 2 * longest
    while cost(beyond) <= queries:
        longest, beyond = beyond, 2 * beyond
    while beyond - longest > 1:
        middle = (longest + beyond) // 2
        longest, beyond = (middle, beyond) if cost(middle) <= queries else (longest, middle)
    return longest
