"""What a student sees of a sample: a view, in front of its network; the teacher always sees all of it.

D. Lopez-Paz, L. Bottou, B. Schoelkopf and V. Vapnik, "Unifying distillation and privileged information",
arXiv:1511.03643: what the teacher alone sees is its privileged information x*, and the student's x is a function of it.
A view is differentiable, and part of the student: a generator that maximises disagreement plays against the student
behind its view, and evaluation and export need to know nothing of it.

Shapes: B batch, K classes, R regressed values.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.errors import UserError, lookup


@dataclass(frozen=True)
class View:
    """A part or a function of a teacher's inputs."""

    transform: Callable[..., Batch]
    """What a network is called with -> what the student behind the view is called with; differentiable."""
    inputs: Any
    """The input specification of what comes out, which students are built for."""


ViewKind = Callable[[Any, str], View]
"""Makes a view from the teacher's input specification and what is written behind the colon of its name."""


class Viewed(nn.Module):
    """A network behind a view.

    Args:
        network: takes what the view leaves.
    """

    def __init__(self, view: View, network: nn.Module) -> None:
        super().__init__()
        self.view, self.network = view, network
        self.attention_layers = tuple(f"network.{name}" for name in getattr(network, "attention_layers", ()))

    def forward(self, *x: Tensor) -> Tensor:
        """Take what the teacher is called with, return what the network answers: (B, K + R)."""
        outputs: Tensor = self.network(*self.view.transform(*x))
        return outputs


def make_view(name: str, inputs: Any, kinds: Mapping[str, ViewKind]) -> View:
    """Make the view of a name, "KIND:ARGUMENT".

    Args:
        inputs: the teacher's input specification.
        kinds: the views of its domain, by what is written before the colon.

    Raises:
        UserError: if the domain has no such view, or it does not fit the teacher's inputs.
    """
    kind, _, argument = name.partition(":")
    make = lookup(kinds, kind, f"view of {inputs.domain}")
    try:
        return make(inputs, argument)
    except UserError as error:
        raise UserError(f"--view {name}: {error}") from None


def described(kind: ViewKind) -> tuple[str, str]:
    """Return how a kind of view is written and what it shows, which the first line of its docstring says."""
    line = (kind.__doc__ or "").strip().partition("\n")[0]
    form, _, shown = line.removeprefix("Make ``").removesuffix(".").partition("``: ")
    return form, shown


def without_view(network: nn.Module) -> nn.Module:
    """Return a copy of a student that is called with what its view leaves, wherever in it the view is."""
    form = copy.deepcopy(network)
    if isinstance(form, Viewed):
        return form.network
    for name, module in form.named_modules():
        if isinstance(module, Viewed):
            parent, _, child = name.rpartition(".")
            setattr(form.get_submodule(parent), child, module.network)
            break
    return form


def whole_number(argument: str, most: int, what: str) -> int:
    """Read how many of something a view keeps.

    Raises:
        UserError: if it is no whole number from 1 to ``most``.
    """
    if not argument.isdecimal() or not 1 <= int(argument) <= most:
        raise UserError(f"{argument or 'nothing'} {what}: give a whole number from 1 to {most}")
    return int(argument)
