"""A term of a student's loss: what it takes from a forward pass, how far two networks are apart, what it learns itself.

The terms that there are, and how one is chosen, are in `zskt.terms`.

Shapes: B batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.forward import Output, Pair
from zskt.optim import adam, set_rate, step


class LearnedPart:
    """A network that a term learns beside the student, and its Adam; a checkpoint holds both."""

    def __init__(self, network: nn.Module, rate: float) -> None:
        self.network = network.requires_grad_(True).train()
        self.optimizer: torch.optim.Optimizer = adam(list(network.parameters()), rate)

    def step(self, loss: Tensor, rate: float | None = None) -> None:
        """Take a step down the gradient of a scalar, at another learning rate than before if one is given."""
        if rate is not None:
            set_rate(self.optimizer, rate)
        step(loss, self.optimizer)

    def state_dict(self) -> dict[str, Any]:
        """Return the states of network and optimiser."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the states of network and optimiser."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


@dataclass(frozen=True)
class Trial:
    """Both networks on a few samples, before a run."""

    pair: Pair
    teacher: Output
    student: Output
    """What they answer."""
    inputs: Any
    """The input specification; None where samples are tensors of no known meaning."""
    seed: int
    """Of initial parameters."""


@dataclass
class Term:
    """One term of a student's loss. `begin`, `prepare` and `learn` may change it; its weight stays."""

    weight: float = 1.0

    name: ClassVar[str] = "term"
    """What an error calls it."""
    needs_layers: ClassVar[bool] = False
    """Whether `capture` is shown the outputs of the layers that teacher and student have in common."""
    needs_gradient: ClassVar[bool] = False
    """Whether `capture` is shown an input by which the output has a gradient, even of a teacher that is only asked."""
    probe: ClassVar[str] = ""
    """Name of a submodule whose output (B, ...) is captured under that name, of a network that has it."""
    cacheable: ClassVar[bool] = True
    """Whether a replay buffer can keep what is captured; if not, the teacher is asked again in each student step."""
    needs_labels: ClassVar[bool] = False
    """Whether samples must carry their classes, `Output.extras` "labels"."""
    changes: ClassVar[bool] = False
    """Whether `begin` changes its distance: then no CUDA graph may record it."""
    needs_preparation: ClassVar[bool] = False
    """Whether `prepare` does anything: it may build a network that the term itself learns."""

    def capture(self, network: nn.Module, x: Batch, output: Output, layers: Sequence[Tensor]) -> dict[str, Tensor]:
        """Return what is compared beside the logits, (B, ...) each, by names of `Output.extras`."""
        return {}

    def distance(self, teacher: Output, student: Output) -> Tensor:
        """Return how far the student is from the teacher, averaged over the batch: a scalar."""
        raise NotImplementedError

    def check(self, teacher: Output, student: Output) -> None:
        """Raise `UserError` if the two networks have nothing that can be compared; called before a run begins."""

    def prepare(self, trial: Trial) -> None:
        """Build what the term itself learns, and see what it must know, before a run begins or goes on."""

    def begin(self, done: float) -> None:
        """Learn which share of the run's iterations is done; called before each of them."""

    @property
    def part(self) -> LearnedPart | None:
        """What the term learns, once it is prepared: it belongs into checkpoints, and leaves no run."""
        return None

    def learn(self, teacher: Output, student: Output, rate: float) -> None:
        """Take a step of what the term itself learns, behind the student's own step on the same batch.

        Args:
            teacher, student: their outputs, both without graph.
            rate: the student's learning rate.
        """
