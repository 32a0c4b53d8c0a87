"""Regressed values that come with an uncertainty: mean and width of a Gaussian, and the divergence of two of them.

A network may put the width out as it is, squared, or as a logarithm of either: `WidthForm`.

Shapes: B batch, R regressed values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

MIN_WIDTH = 1e-6
"""A width that is put out as it is, or squared, counts for at least this: its logarithm stays finite."""


class WidthForm(StrEnum):
    """What a network puts out as the width of a value."""

    WIDTH = "width"
    VARIANCE = "variance"
    LOG_WIDTH = "log_width"
    LOG_VARIANCE = "log_variance"

    @property
    def is_positive(self) -> bool:
        """Whether the output itself cannot be negative."""
        return self in (WidthForm.WIDTH, WidthForm.VARIANCE)


_FORMS = (
    (WidthForm.LOG_VARIANCE, "log_?var(iance)?"),
    (WidthForm.LOG_WIDTH, "log_?(sigma|std|width|unc|error)"),
    (WidthForm.VARIANCE, "var(iance)?"),
    (WidthForm.WIDTH, "sigma|width|std(dev)?|unc(ert(ainty)?)?|err(or)?"),
)
"""Forms of a width, and what its name begins or ends with."""
_MEAN = r"mean|mu|pred|value|central"


@dataclass(frozen=True)
class GaussianHead:
    """Two of R regressed values that are mean and width of one Gaussian."""

    mean: int
    """Position of the mean among the values."""
    width: int
    """Position of its width among the values."""
    form: WidthForm = WidthForm.WIDTH
    """What the network puts out as the width."""

    def log_width(self, values: Tensor) -> Tensor:
        """Compute the logarithm of the width from values (B, R): (B,)."""
        width = values[:, self.width]
        if self.form.is_positive:
            width = width.clamp(min=MIN_WIDTH).log()
        return width / 2 if self.form in (WidthForm.VARIANCE, WidthForm.LOG_VARIANCE) else width


def width_of(name: str) -> tuple[str, WidthForm] | None:
    """Split the name of a width into the name of what it is the width of, in lower case, and its form; None for others.

    ``mass_sigma`` and ``sigma_mass`` -> ``mass``; a bare ``sigma`` is of a value without a name, "".
    """
    lower = _snake(name)
    for form, word in _FORMS:
        for pattern in (rf"(?:(?P<of>.+)_)?(?:{word})", rf"(?:{word})_(?P<of>.+)"):
            if match := re.fullmatch(pattern, lower):
                return _plain(match["of"] or ""), form
    return None


def _plain(name: str) -> str:
    """Drop what only says that a value is a mean."""
    return re.sub(rf"^(?:{_MEAN})(?:_|$)|_(?:{_MEAN})$", "", _snake(name))


def _snake(name: str) -> str:
    """Write a name in lower case with underscores: ``massSigma`` -> ``mass_sigma``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def gaussian_heads(names: Sequence[str]) -> tuple[GaussianHead, ...]:
    """Pair means and widths among the names of R outputs.

    A width without a name of its own belongs to the only output that is no width.
    """
    widths = {i: found for i, name in enumerate(names) if (found := width_of(name)) is not None}
    means = {_plain(name): i for i, name in reversed(list(enumerate(names))) if i not in widths}
    heads: list[GaussianHead] = []
    for i, (of, form) in widths.items():
        mean = means.get(of)
        if mean is None and not of and len(means) == len(widths) == 1:
            (mean,) = means.values()
        if mean is not None and mean not in [head.mean for head in heads]:
            heads.append(GaussianHead(mean, i, form))
    return tuple(heads)


def gaussian_divergence(teacher: Tensor, student: Tensor, head: GaussianHead) -> Tensor:
    """Compute KL(T || S) of two Gaussians, ln(s_s / s_t) + (s_t^2 + (m_t - m_s)^2) / (2 s_s^2) - 1/2, (B,), nats.

    Args:
        teacher, student: values (B, R) of both.
        head: which of them are mean m and width s.
    """
    log_t, log_s = head.log_width(teacher), head.log_width(student)
    pull = (teacher[:, head.mean] - student[:, head.mean]) * torch.exp(-log_s)
    return log_s - log_t + (torch.exp(2 * (log_t - log_s)) + pull.square()) / 2 - 0.5
