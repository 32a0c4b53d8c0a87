"""Earlier pseudo-samples with the teacher's answers to them, kept for replay.

Shapes: B batch, R samples kept at most, K classes. The last dimension of a sample may vary from batch to batch, as
jets have different numbers of particles: it is padded with zeros.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.forward import Output

HALF = torch.finfo(torch.float16).max


class ReplayBuffer:
    """A ring of the latest R samples.

    Inputs and logits are kept in half precision, which is finer than any detector and half the memory; what lies
    outside its range is kept at its edge. Regressed values have units of their own and keep theirs.
    """

    def __init__(self, size: int, device: torch.device | None = None) -> None:
        self.size, self.device = size, device or torch.device("cpu")
        self.seen = 0
        self._columns: list[Tensor] = []
        self._parts = 0
        self._valued = False
        self._weighed: tuple[int, float, Tensor] | None = None

    def __len__(self) -> int:
        return min(self.seen, self.size)

    def add(self, x: Batch, answer: Output) -> None:
        """Keep a batch; the oldest samples make room."""
        columns = [*x, answer.logits, *([] if answer.values is None else [answer.values]), *answer.attention]
        self._parts, self._valued = len(x), answer.values is not None
        if not self._columns:
            self._columns = [self._empty(c, self._is_value(i)) for i, c in enumerate(columns)]
        rows = torch.arange(self.seen, self.seen + len(answer.logits)) % self.size
        for i, column in enumerate(columns):
            self._widen(i, column.shape[-1])
            width = self._columns[i].shape[-1]
            kept = nn.functional.pad(column, (0, width - column.shape[-1]))
            if self._columns[i].dtype == torch.float16:
                kept = kept.clamp(-HALF, HALF)
            self._columns[i][rows.to(self.device)] = kept.to(self._columns[i].dtype)
        self.seen += len(rows)

    def _is_value(self, column: int) -> bool:
        return self._valued and column == self._parts + 1

    def _empty(self, like: Tensor, exact: bool) -> Tensor:
        dtype = torch.float16 if like.is_floating_point() and not exact else like.dtype
        return torch.zeros(self.size, *like.shape[1:], dtype=dtype, device=self.device)

    def _widen(self, i: int, width: int) -> None:
        short = width - self._columns[i].shape[-1]
        if short > 0:
            self._columns[i] = nn.functional.pad(self._columns[i], (0, short))

    def draw(self, n: int, rng: torch.Generator, balance: float = 0.0) -> tuple[Batch, Output]:
        """``n`` samples with replacement; see `zskt.config.Config.balance`.

        Raises:
            ValueError: if the pool is empty.
        """
        if not len(self):
            raise ValueError("nothing to draw from an empty pool")
        rows = torch.randint(len(self), (n,), generator=rng)
        if balance and self._columns[self._parts].shape[1]:  # of a pure regression there are no classes to balance
            rows = torch.multinomial(self._weights(balance), n, replacement=True, generator=rng)
        columns = [c[rows.to(c.device)] for c in self._columns]
        columns = [c.float() if c.is_floating_point() else c for c in columns]
        x, logits, *attention = tuple(columns[: self._parts]), *columns[self._parts :]
        values = attention.pop(0) if self._valued else None
        return x, Output(logits, tuple(attention), values)

    def _weights(self, balance: float) -> Tensor:
        """Of each sample in `draw`; kept until the next `add`, as there are many draws to one."""
        if self._weighed is None or self._weighed[:2] != (self.seen, balance):
            classes = self._columns[self._parts][: len(self)].argmax(1)
            frequency = torch.bincount(classes).float() / len(self)
            self._weighed = self.seen, balance, (frequency[classes] ** -balance).cpu()
        return self._weighed[2]

    def state_dict(self) -> dict[str, Any]:
        kept = [c[: len(self)].clone() for c in self._columns]
        return {"seen": self.seen, "parts": self._parts, "valued": self._valued, "columns": kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seen, self._parts, self._weighed = state["seen"], state["parts"], None
        self._valued = state.get("valued", False)
        self._columns = [self._empty(c, self._is_value(i)) for i, c in enumerate(state["columns"])]
        for mine, kept in zip(self._columns, state["columns"], strict=True):
            mine[: len(kept)] = kept


def cat(a: Tensor, b: Tensor) -> Tensor:
    """Along the batch, padded with zeros to the wider of both."""
    width = max(a.shape[-1], b.shape[-1])
    return torch.cat([nn.functional.pad(t, (0, width - t.shape[-1])) for t in (a, b)])


def mix(first: tuple[Batch, Output], second: tuple[Batch, Output]) -> tuple[Batch, Output]:
    """Both batches in one."""
    (x, answer), (y, other) = first, second
    attention = tuple(cat(a, b) for a, b in zip(answer.attention, other.attention, strict=True))
    values = None if answer.values is None or other.values is None else cat(answer.values, other.values)
    logits = cat(answer.logits, other.logits)
    return tuple(cat(a, b) for a, b in zip(x, y, strict=True)), Output(logits, attention, values)
