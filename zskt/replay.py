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
from zskt.parallel.collectives import added, largest, own, take, to_leader, whole
from zskt.parallel.ranks import world

MAX_HALF = torch.finfo(torch.float16).max
HALF_ROUNDING = 1e-3
"""Loss by rounding to half precision, at most, in units of the largest number of a feature."""
HALF_NOISE = 1e-2
"""The same in units of its standard deviation, as a root mean square: 1 % of noise is a ten-thousandth of the
variance."""
FULL_PRECISION = frozenset({"values"})
"""Extras that keep their own precision: regressed values have units."""


class ReplayBuffer:
    """A ring of the latest R samples; of several ranks each keeps the rows of its own.

    Inputs, logits and captured extras of 32 bits are kept in half precision, which is finer than any detector and half
    the memory, unless the first batch shows that a feature would lose by it. What lies outside the range of half
    precision later on is kept at its edge.

    Args:
        size: R, of all ranks together.
    """

    def __init__(self, size: int, device: torch.device | None = None) -> None:
        self.size, self.device = size, device or torch.device("cpu")
        self.kept = -(-size // world().size)
        """Rows that this rank keeps at most."""
        self.seen = 0
        self._columns: dict[str, Tensor] = {}
        self._dtypes: dict[str, torch.dtype] = {}
        self._weights: tuple[int, float, Tensor] | None = None

    def __len__(self) -> int:
        return min(self.seen, self.size)

    def add(self, x: Batch, output: Output, count: int | None = None) -> None:
        """Keep a batch; the oldest samples make room.

        Args:
            x, output: of several ranks each gives its own rows.
            count: of the rows of all ranks; by default all give as many. Only the last batch may be shared unevenly.
        """
        columns = {f"x.{i}": t for i, t in enumerate(x)} | {"logits": output.logits} | output.extras
        if not self._columns:
            self._columns = {name: self._empty(column, kept_as(name, column)) for name, column in columns.items()}
            self._dtypes = {name: column.dtype for name, column in columns.items()}
        first, size = self.seen // world().size, len(output.logits)
        rows = torch.arange(first, first + size, device=self.device) % self.kept
        widths = largest(torch.tensor([column.shape[-1] for column in columns.values()])).tolist()
        for (name, column), width in zip(columns.items(), widths, strict=True):
            self._widen(name, width)
            kept = self._columns[name]
            rounded = padded(column, kept.shape[-1]) if column.dim() > 1 else column
            if kept.dtype == torch.float16:
                rounded = rounded.clamp(-MAX_HALF, MAX_HALF)
            kept[rows] = rounded.to(kept.dtype)
        self.seen += size * world().size if count is None else count

    def _empty(self, like: Tensor, dtype: torch.dtype) -> Tensor:
        return torch.zeros(self.kept, *like.shape[1:], dtype=dtype, device=self.device)

    def _widen(self, name: str, width: int) -> None:
        column = self._columns[name]
        if column.dim() > 1 and width > column.shape[-1]:
            self._columns[name] = padded(column, width)

    def draw(self, count: int, rng: torch.Generator, balance: float = 0.0) -> tuple[Batch, Output]:
        """Draw ``count`` samples with replacement; those that other ranks keep are zeros, see `put_together`.

        Args:
            balance: a sample's probability goes with (frequency of its class among the teacher's answers)^-balance; of
                independent labels with the mean of that over the labels' decisions.

        Raises:
            ValueError: if the buffer is empty.
        """
        if not len(self):
            raise ValueError("nothing to draw from an empty replay buffer")
        rows = torch.randint(len(self), (count,), generator=rng, device=rng.device)
        if balance and self._columns["logits"].shape[1]:  # a pure regression has no classes to balance
            weights = self._class_weights(balance).to(rng.device)
            rows = torch.multinomial(weights, count, replacement=True, generator=rng)
        rows = rows.to(self.device)
        columns = {name: take(column, rows) for name, column in self._columns.items()}
        columns = {name: column.to(self._dtypes[name]) for name, column in columns.items()}
        inputs = sum(name.startswith("x.") for name in columns)
        x = tuple(columns.pop(f"x.{i}") for i in range(inputs))
        return x, Output(columns.pop("logits"), columns)

    def _class_weights(self, balance: float) -> Tensor:
        """Weigh each sample for `draw`; kept until the next `add`, as there are many draws to one."""
        if self._weights is None or self._weights[:2] != (self.seen, balance):
            logits = self._columns["logits"][: len(self) // world().size]
            count, classes = logits.shape[-1], whole(logits.argmax(-1))
            if classes.dim() > 1:  # of each of the labels
                weights = torch.stack([_rarity(column, count, balance) for column in classes.T]).mean(0)
            else:
                weights = _rarity(classes, count, balance)
            self._weights = self.seen, balance, weights
        return self._weights[2]

    def state_dict(self) -> dict[str, Any]:
        """Return all rows at rank 0, elsewhere its own; all ranks call it."""
        count, mine = len(self), len(range(world().rank, len(self), world().size))
        columns = {name: to_leader(column[:mine], count).clone() for name, column in self._columns.items()}
        return {"seen": self.seen, "columns": columns, "dtypes": dict(self._dtypes)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take this rank's own of all rows, on however many ranks they were collected."""
        self.seen, self._weights = state["seen"], None
        self._dtypes = dict(state["dtypes"])
        self._columns = {name: self._empty(column, column.dtype) for name, column in state["columns"].items()}
        for name, column in state["columns"].items():
            rows = own(column)
            self._columns[name][: len(rows)] = rows


def _rarity(classes: Tensor, count: int, balance: float) -> Tensor:
    """Weigh each sample by (frequency of its class among ``count``)^-balance: (R,) -> (R,)."""
    counts = torch.zeros(count, dtype=torch.int64, device=classes.device)
    frequency = counts.scatter_add_(0, classes, torch.ones_like(classes)).float() / len(classes)
    return frequency[classes] ** -balance


def kept_as(name: str, column: Tensor) -> torch.dtype:
    """Choose how a column (B, F, ...) is kept: in half precision where no feature loses by it.

    A feature of inputs or logits loses what rounding takes of its spread: one of 2000 +- 0.2 all of it. What terms
    capture is compared as a whole, and a feature that does not vary has nothing but its size to lose.
    """
    if column.dtype != torch.float32 or name in FULL_PRECISION:
        return column.dtype
    others = [d for d in range(column.dim()) if d != 1]
    loss, size = (column - column.clamp(-MAX_HALF, MAX_HALF).half().float()).abs(), column.abs()
    if not others or not column.numel():
        return torch.float16 if bool((loss <= HALF_ROUNDING * size).all()) else torch.float32
    fits = largest(loss.amax(others)) <= HALF_ROUNDING * largest(size.amax(others))
    if name == "logits" or name.startswith("x."):
        noise, spread = (largest(t) for t in _noise_and_spread(column, loss, others))
        fits &= (noise <= HALF_NOISE * spread) | (spread == 0)
    return torch.float16 if bool(fits.all()) else torch.float32


def _noise_and_spread(column: Tensor, loss: Tensor, others: list[int]) -> tuple[Tensor, Tensor]:
    """Return the root mean square of the loss, and the standard deviation, of each feature: (B, F, ...) -> (F,) twice.

    Zeros may be padding, or stand for what is missing, and count in neither.
    """
    counts = column != 0
    numbers, count = column.double(), counts.sum(others).clamp(min=1)
    mean = (numbers * counts).sum(others, keepdim=True) / count.view(1, -1, *[1] * (column.dim() - 2))
    spread = (((numbers - mean) * counts).square().sum(others) / count).sqrt()
    return (loss.double().square().sum(others) / count).sqrt(), spread


def put_together(x: Batch, output: Output) -> tuple[Batch, Output]:
    """Return this rank's share of a batch whose rows are zeros but where they are kept."""
    if world().size == 1:
        return x, output
    tensors = added([*x, output.logits, *output.extras.values()])
    x, (logits, *extras) = tuple(own(t) for t in tensors[: len(x)]), [own(t) for t in tensors[len(x) :]]
    return x, Output(logits, dict(zip(output.extras, extras, strict=True)))


def concatenate(first: tuple[Batch, Output], second: tuple[Batch, Output]) -> tuple[Batch, Output]:
    """Join two batches and what the teacher answered to them."""
    (x, output), (y, other) = first, second
    extras = {name: cat(t, other.extras[name]) for name, t in output.extras.items()}
    return tuple(cat(a, b) for a, b in zip(x, y, strict=True)), Output(cat(output.logits, other.logits), extras)


def mixed(
    new: tuple[Batch, Output],
    count: int,
    replay: ReplayBuffer,
    size: int,
    *,
    share: float,
    balance: float,
    rng: torch.Generator,
) -> tuple[Batch, Output]:
    """Make a batch of new and earlier samples; of several ranks each gets its share.

    Args:
        new: samples and the teacher's answers to them, of several ranks each its own.
        count: of the new samples of all ranks.
        size: of the batch that is made, of all ranks together.
        share: of earlier samples in it; if that comes to none, the new ones are returned.
        balance: as in `ReplayBuffer.draw`.
        rng: of the new samples that stay, and of those that are drawn.
    """
    earlier = round(share * size)
    if not earlier:
        return new
    x, target = new
    rows = torch.randperm(count, generator=rng, device=rng.device)[: size - earlier]
    kept = tuple(take(t, rows) for t in x), target.map(lambda t: take(t, rows))
    return put_together(*concatenate(kept, replay.draw(earlier, rng, balance)))
