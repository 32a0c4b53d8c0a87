"""Tells probabilities from logits, also those that a service rounded or that a network computed in half precision.

Shapes: B batch, K classes, R regressed values.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zskt.parallel.ranks import announced
from zskt.terminal import note_once

SUM_TOLERANCE = 1e-3
"""How far from 1 the probabilities of an answer may sum to, if nothing shows that they were rounded."""
EXACT_TOLERANCE = 1e-5
"""How far from 1 those sum to that nobody rounded, in 32 bits."""
MOST_DECIMALS = 6
HALVES = (torch.bfloat16, torch.float16)
"""From the coarser to the finer: what bfloat16 holds of probabilities, float16 mostly holds too."""
FEWEST_LEVELS, MOST_LEVELS = 7, 1024
"""Into how many steps the interval from 0 to 1 is divided, where answers are whole numbers of 3 to 10 bits."""
SAME_SUM = 0.01
"""How far apart sums of rows may be, as a share, that are taken for one number."""
TINY = 1e-300
"""Stands for 0 where a logarithm is taken."""
SETTLED = 512
"""Rows after which nothing that follows can change what answers are taken for."""


@dataclass(frozen=True)
class Rounding:
    """What numbers between 0 and 1 were rounded to, as far as they show it."""

    words: str
    step: float
    """Distance of 0 from the next number; 0 where a zero stands for itself alone."""
    tolerance: float
    """How far from 1 probabilities may sum to that were rounded so."""


EXACT = Rounding("", 0.0, SUM_TOLERANCE)


def rounding_of(answer: Tensor) -> Rounding:
    """Tell the fewest decimals, the largest step or the shortest numbers that hold an answer (B, K) in [0, 1].

    Of K numbers that are rounded to d decimals each is off by less than half a step, their sum by less than K / 2
    steps: two that are sum to 1 nevertheless.
    """
    kind = answer.dtype if answer.dtype in HALVES else torch.float32  # 64 bits may hold what 32 bits have rounded
    eps, exact = torch.finfo(kind).eps, answer.double()
    if bool((exact == exact.round()).all()):  # one-hot rows: decisions, which nobody rounded
        return EXACT
    for decimals in range(1, MOST_DECIMALS + 1):
        step = 10.0**-decimals
        if step < 8 * eps:  # as coarse as the numbers themselves: any would do
            break
        nearest = (exact / step).round() * step
        if bool(((exact - nearest).abs() <= eps * nearest).all()):
            return _in_steps(f"{decimals} decimal{'s' * (decimals > 1)}", step, answer.shape[1])
        unit = 10.0 ** (exact.clamp(min=TINY).log10().floor() + 1 - decimals)
        if decimals > 1 and bool(((exact - (exact / unit).round() * unit).abs() <= eps * exact).all()):
            tolerance = 0.499 * float((unit * (exact > 0)).sum(1).max())  # each is off by less than half its last digit
            return Rounding(f"{decimals} significant digits", 0.0, max(SUM_TOLERANCE, tolerance))
    if step := _level(exact, eps):
        return _in_steps(f"steps of {step:.3g}", step, answer.shape[1])
    for half in HALVES:
        if torch.equal(exact.to(half).double(), exact):
            info = torch.finfo(half)
            return Rounding(str(half).removeprefix("torch."), info.smallest_normal * info.eps, 2 * info.eps)
    return EXACT


def _in_steps(words: str, step: float, classes: int) -> Rounding:
    """Return what numbers that are rounded to a step each may sum to."""
    return Rounding(words, step, max(SUM_TOLERANCE, 0.499 * step * classes))


def _level(exact: Tensor, eps: float) -> float:
    """Return the step of which all numbers (B, K) in [0, 1] are multiples, as those of a quantised network; or 0.

    The smallest number is one, two or three of them, or there is no telling.
    """
    least, most = float(exact[exact > 0].min()), float(exact.max())
    for multiple in (1, 2, 3):
        if not FEWEST_LEVELS <= multiple / least <= MOST_LEVELS:
            continue
        step = most / round(most * multiple / least)  # the largest number tells it best
        if bool(((exact - (exact / step).round() * step).abs() <= 4 * eps * exact).all()):
            return step
    return 0.0


def are_probabilities(answer: Tensor) -> bool:
    """Tell whether an answer (B, K) holds the probabilities of one choice of classes: rows that sum to 1.

    How far a row may be off is told by what the numbers were rounded to, if they were.
    """
    if answer.dim() != 2 or answer.shape[1] < 2 or not len(answer) or not _is_bounded(answer):
        return False
    return float(_misses(answer).max()) <= rounding_of(answer).tolerance


def rounding_step(answer: Tensor) -> float:
    """Return what probabilities (B, K) were rounded to; 0 where all rows sum to 1, whose zeros may be zeros."""
    return rounding_of(answer).step if float(_misses(answer).max()) > EXACT_TOLERANCE else 0.0


def _is_bounded(answer: Tensor) -> bool:
    return bool(((answer >= 0) & (answer <= 1)).all())


def _have_one_sum(answer: Tensor) -> bool:
    """Tell whether rows (B, K) are never negative and all have the same sum, as percentages have."""
    sums = answer.double().sum(1)
    least, most = float(sums.min()), float(sums.max())
    return len(answer) > 1 and bool((answer >= 0).all()) and 0 < most <= least * (1 + SAME_SUM)


def _misses(answer: Tensor) -> Tensor:
    """Return by how much rows miss 1: (B, K) -> (B,)."""
    return (answer.double().sum(1) - 1).abs()


def log_probabilities(p: Tensor, step: float = 0.0) -> Tensor:
    """Return log p, which are logits, of probabilities of any shape; of 0 that of the smallest normal number.

    Args:
        step: what they, (B, K), were rounded to, so that 0 stands for anything up to half of it: the zeros of a row
            share what it misses of 1, a quarter of a step if it misses nothing, and rows then sum to 1.
    """
    p = p.float() if p.dtype in HALVES else p
    if not step:
        return p.clamp(min=torch.finfo(p.dtype).tiny).log()
    zeros = p == 0
    missing = (1 - p.sum(1, keepdim=True)).clamp(min=step / 4)
    share = (missing / zeros.sum(1, keepdim=True).clamp(min=1)).clamp(max=step / 2)
    return torch.log_softmax(torch.where(zeros, share, p).log(), 1)


class AsLogits:
    """Reads a network's answers as logits: those of a softmax become log p, which its first answers tell.

    A line says so, once. Few rows may sum to 1 by chance: until there were `SETTLED` of them, one that does not tells
    that all are logits. Independent labels are taken as they are: logits of theirs may all lie between 0 and 1.

    Args:
        role: "teacher" or "student", for messages.
    """

    def __init__(self, network: nn.Module, role: str = "teacher") -> None:
        self.role = role
        self.are_probabilities: bool | None = False if getattr(network, "bernoulli", False) else None
        """None before the first answer."""
        self._regressions: int = getattr(network, "regressions", 0)
        self._seen = 0
        self._step, self._rounded = 0.0, ""

    def __call__(self, answer: Tensor) -> Tensor:
        """Map (B, K + R) to the same, of classes logits."""
        count = answer.shape[1] - self._regressions
        classes = answer[:, :count]
        self._look(classes.detach())
        if not self.are_probabilities:
            return answer
        return torch.cat([log_probabilities(classes, self._step), answer[:, count:]], 1)

    def _look(self, classes: Tensor) -> None:
        """See what classes (B, K) are taken for, as long as it is open."""
        if self.are_probabilities is False or self._seen >= SETTLED or not len(classes):
            return
        if classes.is_cuda and torch.cuda.is_current_stream_capturing():  # nothing can be read off a GPU meanwhile
            return
        before, self._seen = self.are_probabilities, self._seen + len(classes)
        self.are_probabilities = are_probabilities(classes)
        if self.are_probabilities:
            self._look_at_rounding(classes)
        if self.are_probabilities != before:
            self._say(classes, was_told=before is not None)

    def _look_at_rounding(self, classes: Tensor) -> None:
        """Take over the finest step that is seen; none where all rows sum to 1, whose zeros may be zeros."""
        if float(_misses(classes).max()) > EXACT_TOLERANCE:
            rounding = rounding_of(classes)
            self._step = min(rounding.step, self._step or rounding.step)
            self._rounded = f", rounded to {rounding.words}" if rounding.words else ""

    def _say(self, classes: Tensor, *, was_told: bool) -> None:
        """Say what answers are taken for, unless they are logits beyond doubt."""
        words = ""
        if self.are_probabilities:
            words = f"answers probabilities{self._rounded}; their logarithms are its logits"
        elif was_told:
            words = "answers logits, though its first answers summed to 1"
        elif self.role == "teacher" and classes.shape[1] > 1 and (_is_bounded(classes) or _have_one_sum(classes)):
            sums = classes.double().sum(1)
            between = "between 0 and 1" if _is_bounded(classes) else "of 0 and above"
            words = f"answers {between} are taken for logits, as rows sum to {sums.min():.4g} to {sums.max():.4g}"
            words += "; if they are probabilities, divide each row by its sum"
        if words and announced().leader:
            note_once(f"zskt: {self.role}: {words}")
