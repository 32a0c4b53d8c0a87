"""What a method may see of a teacher: its gradient, its probabilities, or the top class alone.

Shapes: B batch, K classes, L independent labels, R regressed values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from zskt.errors import UserError
from zskt.probabilities import AsLogits

GRADIENT, PROBABILITIES, TOP_CLASS = "gradient", "probabilities", "top-class"
ACCESSES = (GRADIENT, PROBABILITIES, TOP_CLASS)
"""From the most that a teacher gives to the least."""
NEVER = -1e4
"""Logit of a class that was not chosen: its probability is 0 in 32 bits at any usual temperature, and half precision
holds it."""


class AnswersOnly(nn.Module):
    """A teacher that is asked and answers, and shows nothing else: no gradient, no layers, no parameters.

    It answers logits (B, K), as all teachers do. Of "probabilities" these are log p; any constant that the teacher's
    own logits had is gone. Of "top-class" they are 0 for the class and `NEVER` for the others, whose softmax is
    one-hot. Independent labels have the logit of each probability, or -`NEVER` and `NEVER` for yes and no.

    Args:
        teacher: a network, or a function.
        access: "probabilities" or "top-class".
        classes: K, which a function that answers classes (B,) does not say.
        may_be_probabilities: whether what is asked may answer probabilities (B, K) instead of logits, as a service
            does; its first answers tell.

    Raises:
        UserError: if the class alone is to be seen of a teacher that regresses values, too.
    """

    differentiable = False
    replayable = False

    def __init__(
        self,
        teacher: Callable[..., Tensor],
        access: str,
        *,
        classes: int | None = None,
        may_be_probabilities: bool = False,
    ) -> None:
        super().__init__()
        self.access, self.classes = access, classes
        self.regressions: int = getattr(teacher, "regressions", 0)
        self.bernoulli = bool(getattr(teacher, "bernoulli", False))
        self.gaussians = getattr(teacher, "gaussians", ())
        self.draws = bool(getattr(teacher, "draws", False))
        self._as_logits = AsLogits(self) if may_be_probabilities else None
        if access == TOP_CLASS and self.regressions:
            raise UserError(
                f"teacher access {TOP_CLASS}: the teacher regresses {self.regressions} values, of which a class says "
                f"nothing; take {PROBABILITIES}"
            )

        def ask(*x: Tensor) -> Tensor:  # a function: no submodule, whose layers could be looked into
            return teacher(*x)

        self._ask = ask

    @torch.no_grad()
    def forward(self, *x: Tensor) -> Tensor:
        """Ask; return (B, K + R), or (B, L + R) of independent labels, without graph."""
        answer = self._ask(*(t.detach() for t in x))
        if not isinstance(answer, Tensor):
            kind = f" of {answer.dtype}" if hasattr(answer, "dtype") else ""
            raise UserError(
                f"teacher: answers with {type(answer).__name__}{kind}; return a tensor, or an array of numbers of "
                "NumPy: logits or probabilities (B, K), or classes (B,)"
            )
        answer = answer.detach()
        if answer.dim() == 1 and not answer.is_floating_point():
            return self._chosen(answer.long(), len(x[0]))
        if answer.dim() < 2 or len(answer) != len(x[0]):
            raise UserError(
                f"teacher: answers {len(x[0])} samples with {tuple(answer.shape)}, not with (B, K); return logits or "
                "probabilities for each of them"
            )
        count = answer.shape[1] - self.regressions
        logits = answer[:, :count].float()
        if self.bernoulli:
            decided = torch.where(logits > 0, -NEVER, torch.where(logits.isnan(), logits, NEVER))
            logits = logits if self.access == PROBABILITIES else decided
        elif self.access == TOP_CLASS:
            logits = hardened(logits)
        else:
            if self._as_logits is not None:
                logits = self._as_logits(answer)[:, :count].float()
            if count and not self.are_probabilities:
                logits = torch.log_softmax(logits, 1)
        return torch.cat([logits, answer[:, count:]], 1)

    @property
    def are_probabilities(self) -> bool | None:
        """What answers are taken for, as `AsLogits` has it."""
        return False if self._as_logits is None else self._as_logits.are_probabilities

    def _chosen(self, classes: Tensor, count: int) -> Tensor:
        if self.access != TOP_CLASS or self.classes is None or len(classes) != count:
            raise UserError(f"teacher: answers {tuple(classes.shape)} whole numbers; say teacher_access='{TOP_CLASS}'")
        return chosen_logits(classes, self.classes)


@contextmanager
def answering_logits(network: nn.Module | None) -> Iterator[None]:
    """Let a network that ends in a softmax answer logits meanwhile, as `AsLogits` reads them."""
    if network is None:
        yield
        return
    as_logits = AsLogits(network)

    def read(_network: nn.Module, _x: object, answer: Any) -> Any:
        # What is no row of numbers a sample is told by who asks.
        return as_logits(answer) if isinstance(answer, Tensor) and answer.dim() == 2 else answer

    handle = network.register_forward_hook(read)
    try:
        yield
    finally:
        handle.remove()


def chosen_logits(top: Tensor, classes: int) -> Tensor:
    """Return `one_hot_logits` of the classes (B,) that a teacher answers.

    Raises:
        UserError: if one is none of the student's.
    """
    lowest, highest = int(top.min()), int(top.max())
    if lowest < 0:
        raise UserError(f"teacher: answers class {lowest}; number classes from 0")
    if highest >= classes:
        raise UserError(
            f"teacher: answers class {highest}, but the student has {classes}; give it as many outputs as there are "
            "classes"
        )
    return one_hot_logits(top, classes)


def one_hot_logits(top: Tensor, classes: int) -> Tensor:
    """Return logits (B, K) whose softmax is one-hot, of classes (B,)."""
    chosen = top.unsqueeze(1) == torch.arange(classes, device=top.device)
    return torch.where(chosen, 0.0, NEVER)


def hardened(logits: Tensor) -> Tensor:
    """Keep the top class of logits (n, K) alone, as `one_hot_logits`; NaN stays, whose top would look like a class."""
    broken = logits.isnan().any(1, keepdim=True)
    return torch.where(broken, torch.nan, one_hot_logits(logits.argmax(1), logits.shape[1]))


def granted(requested: str, has_gradient: bool, accepted: Sequence[str]) -> str | None:
    """Return what a method gets to see; None if it is less than the method needs.

    Args:
        requested: one of `ACCESSES`, or "" for what the teacher can give and the method asks for.
        has_gradient: whether the teacher has one by its input.
        accepted: accesses that the method works with, the one that it is made for first.

    Raises:
        UserError: if a gradient is asked for, and there is none.
    """
    if requested == GRADIENT and not has_gradient:
        raise UserError(f"teacher access {GRADIENT}: the teacher has no gradient by its input; leave it out")
    if requested in ("", GRADIENT):
        first: str = accepted[0]
        if first != GRADIENT or has_gradient:
            return first
        return next((access for access in (PROBABILITIES, TOP_CLASS) if access in accepted), None)
    if requested in accepted:
        return requested
    return TOP_CLASS if requested == PROBABILITIES and TOP_CLASS in accepted else None


def refusal(name: str, access: str, methods: dict[str, Any]) -> str:
    """Say in a line that a method needs more of the teacher than it gets, and which methods do not."""
    able = ", ".join(n for n, kind in methods.items() if access in kind.accesses and not kind.needs_data)
    needs = methods[name].accesses[0] if name in methods else GRADIENT
    return f"method {name} follows the teacher's {needs}, but it gives {access} alone: take one of {able}"
