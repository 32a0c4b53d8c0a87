"""A replay buffer: earlier pseudo-samples with the teacher's answers to them.

Shapes: B batch, R samples kept at most, K classes. The last dimension of a sample may vary from batch to batch, as
jets have different numbers of particles: it is padded with zeros.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zskt.contracts import Batch
from zskt.forward import Output
from zskt.padding import cat, padded

MAX_HALF = torch.finfo(torch.float16).max
FULL_PRECISION = frozenset({"values"})
"""Extras that keep their own precision: regressed values have units."""


class ReplayBuffer:
    """A ring of the latest R samples.

    Inputs, logits and captured extras are kept in half precision, which is finer than any detector and half the memory;
    what lies outside its range is kept at its edge.
    """

    def __init__(self, size: int, device: torch.device | None = None) -> None:
        self.size, self.device = size, device or torch.device("cpu")
        self.seen = 0
        self._columns: dict[str, Tensor] = {}
        self._weights: tuple[int, float, Tensor] | None = None

    def __len__(self) -> int:
        return min(self.seen, self.size)

    def add(self, x: Batch, output: Output) -> None:
        """Keep a batch; the oldest samples make room."""
        columns = {f"x.{i}": t for i, t in enumerate(x)} | {"logits": output.logits} | output.extras
        if not self._columns:
            self._columns = {name: self._empty(name, column) for name, column in columns.items()}
        rows = (torch.arange(self.seen, self.seen + len(output.logits)) % self.size).to(self.device)
        for name, column in columns.items():
            self._widen(name, column.shape[-1])
            kept = self._columns[name]
            rounded = padded(column, kept.shape[-1]) if column.dim() > 1 else column
            if kept.dtype == torch.float16:
                rounded = rounded.clamp(-MAX_HALF, MAX_HALF)
            kept[rows] = rounded.to(kept.dtype)
        self.seen += len(rows)

    def _empty(self, name: str, like: Tensor) -> Tensor:
        half = like.is_floating_point() and name not in FULL_PRECISION
        return torch.zeros(self.size, *like.shape[1:], dtype=torch.float16 if half else like.dtype, device=self.device)

    def _widen(self, name: str, width: int) -> None:
        column = self._columns[name]
        if column.dim() > 1 and width > column.shape[-1]:
            self._columns[name] = padded(column, width)

    def draw(self, count: int, rng: torch.Generator, balance: float = 0.0) -> tuple[Batch, Output]:
        """Draw ``count`` samples with replacement.

        Args:
            balance: a sample's probability goes with (frequency of its class among the teacher's answers)^-balance.

        Raises:
            ValueError: if the buffer is empty.
        """
        if not len(self):
            raise ValueError("nothing to draw from an empty replay buffer")
        rows = torch.randint(len(self), (count,), generator=rng)
        if balance and self._columns["logits"].shape[1]:  # a pure regression has no classes to balance
            rows = torch.multinomial(self._class_weights(balance), count, replacement=True, generator=rng)
        columns = {name: column[rows.to(column.device)] for name, column in self._columns.items()}
        columns = {name: c.float() if c.is_floating_point() else c for name, c in columns.items()}
        inputs = sum(name.startswith("x.") for name in columns)
        x = tuple(columns.pop(f"x.{i}") for i in range(inputs))
        return x, Output(columns.pop("logits"), columns)

    def _class_weights(self, balance: float) -> Tensor:
        """Weigh each sample for `draw`; kept until the next `add`, as there are many draws to one."""
        if self._weights is None or self._weights[:2] != (self.seen, balance):
            classes = self._columns["logits"][: len(self)].argmax(1)
            frequency = torch.bincount(classes).float() / len(self)
            self._weights = self.seen, balance, (frequency[classes] ** -balance).cpu()
        return self._weights[2]

    def state_dict(self) -> dict[str, Any]:
        return {"seen": self.seen, "columns": {name: c[: len(self)].clone() for name, c in self._columns.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seen, self._weights = state["seen"], None
        self._columns = {name: self._empty(name, column) for name, column in state["columns"].items()}
        for name, column in state["columns"].items():
            self._columns[name][: len(column)] = column


def concatenate(first: tuple[Batch, Output], second: tuple[Batch, Output]) -> tuple[Batch, Output]:
    """Join two batches and what the teacher answered to them."""
    (x, output), (y, other) = first, second
    extras = {name: cat(t, other.extras[name]) for name, t in output.extras.items()}
    return tuple(cat(a, b) for a, b in zip(x, y, strict=True)), Output(cat(output.logits, other.logits), extras)
