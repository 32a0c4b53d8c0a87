"""A shuffled stream of answers from shards that do not fit in memory: the place of a replay buffer for given answers.

An epoch takes the shards in a random order, a few at a time; these few are the shuffle buffer, whose samples come in a
random order. So each sample comes once an epoch, each file is read once an epoch, and memory holds a buffer. All orders
follow from a seed and the epoch: the number of samples drawn is all that a checkpoint needs.

Shapes: B batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.forward import Output
from zskt.padding import join
from zskt.parallel.ranks import world
from zskt.shards import Manifest, Shard, read_shard, shard_path

SHUFFLE_BUFFER = 65_536
"""Samples in memory, about: of jets of 128 particles 170 MB."""


class AnswerShards:
    """A folder of shards, opened: all of them are there.

    Raises:
        UserError: if one is not.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.manifest = folder, Manifest.read(folder)
        count = self.manifest.shards
        missing = [i for i in range(count) if not shard_path(folder, i).is_file()]
        if missing:
            raise UserError(
                f"--data {folder}: {len(missing)} of {count} shards are not there yet; finish --mode answers first"
            )
        self.verified: set[int] = set()
        self.read_count = 0
        """Files read so far."""

    def __len__(self) -> int:
        return self.manifest.samples

    def read(self, index: int) -> Shard:
        """Read a shard; its SHA-256 is compared the first time."""
        shard = read_shard(shard_path(self.folder, index), verify=index not in self.verified)
        if len(shard) != self.manifest.count(index):
            raise UserError(f"{shard_path(self.folder, index)}: has {len(shard)} samples; make it again by --shard")
        self.verified.add(index)
        self.read_count += 1
        return shard

    def first(self, count: int) -> Batch:
        """Return the first samples of the first shard, at most ``count``: what networks are called with."""
        shard = self.read(0)
        return _as_batch({name: t[:count].to(shard.dtypes[name]) for name, t in shard.columns.items()})[0]


def _as_batch(columns: dict[str, Tensor]) -> tuple[Batch, Output]:
    columns = dict(columns)
    inputs = sum(name.startswith("x.") for name in columns)
    x = tuple(columns.pop(f"x.{i}") for i in range(inputs))
    return x, Output(columns.pop("logits"), columns)


class ShardStream:
    """Draws batches, each sample once an epoch.

    Args:
        seed: of all orders.
        device: where batches go.
        buffer: samples in memory at most, but at least one shard.
    """

    def __init__(
        self, shards: AnswerShards, seed: int, device: torch.device | None = None, buffer: int = SHUFFLE_BUFFER
    ) -> None:
        self.shards, self.seed, self.device = shards, seed, device or torch.device("cpu")
        self.at_once = max(buffer // shards.manifest.shard_size, 1)
        self.drawn = 0
        self._loaded: dict[int, Shard] = {}
        self._block: tuple[int, int, Tensor] | None = None

    def __len__(self) -> int:
        return len(self.shards)

    @property
    def used(self) -> int:
        """Different samples that were drawn so far."""
        return min(self.drawn, len(self))

    def draw(self, count: int, rng: torch.Generator | None = None) -> tuple[Batch, Output]:
        """Draw the next ``count`` samples; the order is the stream's own, ``rng`` is not asked.

        Returns:
            what networks are called with, and the teacher's answers; of several ranks each gets its own of them.
        """
        here, drawn, parts = world(), 0, []
        for rows in self._next(count):
            mine = rows[(here.rank - drawn) % here.size :: here.size]
            drawn += len(rows)
            parts += [self._rows(mine)] if len(mine) else []
        names = parts[0].keys()
        columns = {name: join([part[name] for part in parts]).to(self.device) for name in names}
        return _as_batch(columns)

    def _next(self, count: int) -> Iterator[Tensor]:
        """Yield the rows of the block in memory that come next, (n, 2) of shard and row; load blocks on the way."""
        while count:
            start, order = self._enter()
            rows = order[self.drawn - start : self.drawn - start + count]
            self.drawn += len(rows)
            count -= len(rows)
            yield rows

    def _enter(self) -> tuple[int, Tensor]:
        """Have the block of the next sample in memory: number of the block's first sample, and its order of rows."""
        if self._block is not None and self._block[0] <= self.drawn < self._block[1]:
            return self._block[0], self._block[2]
        epoch, offset = divmod(self.drawn, len(self))
        manifest = self.shards.manifest
        shards: list[int] = np.random.default_rng([self.seed, epoch]).permutation(manifest.shards).tolist()
        start = epoch * len(self)
        for first in range(0, len(shards), self.at_once):
            block = shards[first : first + self.at_once]
            size = sum(map(manifest.count, block))
            if offset < size:
                break
            offset, start = offset - size, start + size
        self._loaded = {i: shard for i, shard in self._loaded.items() if i in block}  # frees before it reads
        for index in block:
            if index not in self._loaded:
                self._loaded[index] = self.shards.read(index)
        rows = torch.cat([torch.stack([torch.full((n,), i), torch.arange(n)], 1) for i, n in _counts(block, manifest)])
        order = np.random.default_rng([self.seed, epoch, first]).permutation(size)
        self._block = start, start + size, rows[torch.from_numpy(order)]
        return start, self._block[2]

    def _rows(self, rows: Tensor) -> dict[str, Tensor]:
        """Return the columns of samples (n, 2) of shard and row, in their order and in full precision."""
        order, parts = [], []
        for index in sorted(set(rows[:, 0].tolist())):
            places = (rows[:, 0] == index).nonzero()[:, 0]
            shard = self._loaded[index]
            taken = rows[places, 1]
            parts.append({name: t[taken].to(shard.dtypes[name]) for name, t in shard.columns.items()})
            order.append(places)
        back = torch.cat(order).argsort()
        return {name: join([part[name] for part in parts])[back] for name in parts[0]}

    def state_dict(self) -> dict[str, Any]:
        return {"drawn": self.drawn}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.drawn, self._block = state["drawn"], None


def _counts(block: list[int], manifest: Manifest) -> Iterator[tuple[int, int]]:
    return ((index, manifest.count(index)) for index in block)
