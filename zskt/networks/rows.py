"""Where the real particles of a batch are, packed into rows or masked: the same networks train and leave with either.

Shapes: B jets, P particle slots (padding included), C channels, N real particles of the whole batch.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from zskt.networks.pooling import sum_and_maximum


class Rows:
    """Pack the N real particles of a batch into rows, so that products run on these only.

    Args:
        real: (B, P) of bool, or of numbers above zero for real particles.
    """

    def __init__(self, real: Tensor) -> None:
        self.real = real > 0

    @cached_property
    def slots(self) -> Tensor:
        """(N,), the slot of each row among the B P slots."""
        return self.real.flatten().nonzero().squeeze(1)

    @cached_property
    def number(self) -> Tensor:
        """(B, P), the row of each slot; N for padding."""
        number = torch.full((self.real.numel(),), len(self.slots), device=self.real.device)
        number[self.slots] = torch.arange(len(self.slots), device=self.real.device)
        return number.view(self.real.shape)

    @cached_property
    def jet(self) -> Tensor:
        """(N,), the jet of each row."""
        return self.slots // self.real.shape[1]

    @property
    def count(self) -> Tensor:
        """(B, 1), the number of real particles of each jet."""
        return self.real.sum(1, keepdim=True)

    def of(self, dense: Tensor) -> Tensor:
        """Pack (B, C, P) -> (N, C)."""
        return self.pick(dense.transpose(1, 2))

    def pick(self, dense: Tensor) -> Tensor:
        """Pack (B, P, C) -> (N, C)."""
        return dense.flatten(0, 1).index_select(0, self.slots)

    def dense(self, x: Tensor) -> Tensor:
        """Unpack (N, C) -> (B, P, C), zero on padding."""
        return x.new_zeros(self.real.numel(), x.shape[1]).index_copy(0, self.slots, x).view(*self.real.shape, -1)

    def channels(self, x: Tensor) -> Tensor:
        """Unpack (N, C) -> (B, C, P), zero on padding."""
        return self.dense(x).transpose(1, 2)

    def mean(self, x: Tensor) -> Tensor:
        """Average (N, C) -> (B, C) over each jet's particles."""
        total = x.new_zeros(len(self.real), x.shape[1]).index_add(0, self.jet, x)
        return total / self.count.clamp(min=1)

    def mean_and_maximum(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Average (N, C), and take the maximum or 0, over each jet's particles: (B, C) each.

        As padding is zero, the maximum is the same whether a jet has any.
        """
        total, maximum = sum_and_maximum(x, self.jet, len(self.real))
        return total / self.count.clamp(min=1), maximum


class Slots(Rows):
    """Make a row of every slot, padding too, for runtimes that know no rows: slower, and traceable for any B and P."""

    @cached_property
    def slots(self) -> Tensor:
        """(B P,), each slot itself."""
        return torch.arange(self.real.numel(), device=self.real.device)

    @cached_property
    def number(self) -> Tensor:
        """(B, P), the slot itself; B P for padding."""
        return torch.where(self.real.flatten(), self.slots, self.slots.numel()).view(self.real.shape)

    @cached_property
    def jet(self) -> Tensor:
        """(B P,), the jet of each slot."""
        return self.slots.div(self.real.shape[1], rounding_mode="floor")

    def pick(self, dense: Tensor) -> Tensor:
        return dense.flatten(0, 1)

    def dense(self, x: Tensor) -> Tensor:
        return x.view(*self.real.shape, -1) * self.real.unsqueeze(2)

    def mean(self, x: Tensor) -> Tensor:
        return self.dense(x).sum(1) / self.count.clamp(min=1)

    def mean_and_maximum(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.mean(x), self.dense(x).amax(1).clamp(min=0)


class MaskedChannels(Rows):
    """Leave particles where they are, (B, C, P), and mask what 1 x 1 convolutions make of padding.

    Args:
        real: (B, P) of bool, or 1 for real particles and 0 for padding.
    """

    def __init__(self, real: Tensor) -> None:
        self.real = real.float()

    def of(self, dense: Tensor) -> Tensor:
        return dense

    def channels(self, x: Tensor) -> Tensor:
        return x * self.real.unsqueeze(1)

    def mean_and_maximum(self, x: Tensor) -> tuple[Tensor, Tensor]:
        entries = self.channels(x)
        return entries.sum(2) / self.count.clamp(min=1), entries.amax(2).clamp(min=0)
