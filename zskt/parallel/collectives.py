"""What the ranks of a run do together: sums, means, whole batches out of each one's rows; and what of it is whose.

Row i of a batch, and of all that is kept, belongs to rank i mod N. Functions whose docstring says so have a gradient:
that of the sum of all ranks' losses. With one process every function returns what it is given. All ranks call all of
them, in the same order.

Shapes: B whole batch, N ranks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from zskt.errors import RankLost, UserError
from zskt.parallel.ranks import world

T = TypeVar("T")


def _call(collective: Callable[..., Any], *arguments: Any, **more: Any) -> None:
    """Call what all ranks call.

    Raises:
        RankLost: if one of them does not.
    """
    try:
        collective(*arguments, **more)
    except RuntimeError as error:
        words = str(error).lower()  # Gloo's errors are plain ones
        if isinstance(error, dist.DistError) or any(sign in words for sign in ("peer", "broken pipe", "timed out")):
            raise RankLost(f"another of the {world().size} processes of this run has ended") from error
        raise


def share_of(count: int, what: str = "batch_size") -> int:
    """Return how many of ``count`` rows are each rank's own.

    Raises:
        UserError: if they cannot be shared out evenly.
    """
    size = world().size
    if count % size:
        below = count - count % size
        nearest = f"{below} or {below + size}" if below else f"{size}"
        raise UserError(f"{what}: {count} cannot be shared out among {size} processes; take {nearest}")
    return count // size


def own(rows: Tensor) -> Tensor:
    """Return this rank's rows of a whole batch, (B, ...) -> (B / N, ...)."""
    here = world()
    return rows if here.size == 1 else rows[here.rank :: here.size]


class _Total(torch.autograd.Function):
    """A sum over ranks, whose gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return summed(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return summed(gradients[0])


class _Whole(torch.autograd.Function):
    """The rows of all ranks, in the order of the whole batch."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        return gathered(rows).transpose(0, 1).flatten(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return own(summed(gradients[0]))


def summed(values: Tensor) -> Tensor:
    """Sum a tensor over ranks."""
    values = values.detach().clone(memory_format=torch.contiguous_format)
    _call(dist.all_reduce, values)
    return values


def gathered(values: Tensor) -> Tensor:
    """Return what each rank has, (...) -> (N, ...)."""
    values = values.detach().contiguous()
    answers = [torch.empty_like(values) for _ in range(world().size)]
    _call(dist.all_gather, answers, values)
    return torch.stack(answers)


def mean(values: Tensor) -> Tensor:
    """Average over ranks, with a gradient: the mean over all rows, of means over each rank's own."""
    if world().size == 1:
        return values
    average: Tensor = _Total.apply(values) / world().size
    return average


def whole(rows: Tensor) -> Tensor:
    """Return the whole batch of which each rank has its own rows, with a gradient: (B / N, ...) -> (B, ...)."""
    if world().size == 1:
        return rows
    batch: Tensor = _Whole.apply(rows)
    return batch


def largest(values: Tensor) -> Tensor:
    """Return the largest of each value over ranks."""
    if world().size == 1:
        return values
    values = values.detach().clone()
    _call(dist.all_reduce, values, dist.ReduceOp.MAX)
    return values


def any_of(*flags: bool) -> tuple[bool, ...]:
    """Return, of each flag, whether it is set on any rank."""
    return flags if world().size == 1 else tuple(largest(torch.tensor(flags, dtype=torch.uint8)).bool().tolist())


def sum_of(number: float) -> float:
    """Add a number up over ranks."""
    return number if world().size == 1 else float(summed(torch.tensor(number, dtype=torch.float64)))


def average_(tensors: Sequence[Tensor]) -> None:
    """Average tensors over ranks, in place: all of a kind in one message."""
    if world().size == 1:
        return
    for dtype in dict.fromkeys(t.dtype for t in tensors):
        alike = [t for t in tensors if t.dtype == dtype]
        flat = summed(torch.cat([t.flatten() for t in alike])) / world().size
        for t, part in zip(alike, torch.split(flat, [t.numel() for t in alike]), strict=True):
            t.copy_(part.view_as(t))


def take(rows: Tensor, index: Tensor) -> Tensor:
    """Return rows of a whole of which each rank has its own: (B / N, ...), (n,) -> (n, ...).

    Rows that other ranks have are zeros, so that `added` is the whole.
    """
    here = world()
    if here.size == 1:
        return rows[index]
    mine = (index % here.size == here.rank).view(-1, *[1] * (rows.dim() - 1))
    return torch.where(mine, rows[index // here.size], torch.zeros((), dtype=rows.dtype, device=rows.device))


def added(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Put together what ranks have `take`n, (n, ...) each: in one message, whatever the kinds of numbers."""
    if world().size == 1:
        return list(tensors)
    filled = [t for t in tensors if t.numel()]
    bytes_of = [(t.flatten(1) if t.dim() > 1 else t.unsqueeze(1)).contiguous().view(torch.uint8) for t in filled]
    parts = iter(torch.split(summed(torch.cat(bytes_of, 1)), [b.shape[1] for b in bytes_of], 1))
    return [next(parts).contiguous().view(t.dtype).view(t.shape) if t.numel() else t for t in tensors]


def to_leader(rows: Tensor, count: int) -> Tensor:
    """Collect rows at rank 0, of which each rank has its own, about count / N: -> (count, ...); elsewhere they stay."""
    here = world()
    if here.size == 1:
        return rows
    most = -(-count // here.size)
    sent = rows.new_zeros(most, *rows.shape[1:])
    sent[: len(rows)] = rows
    answers = [torch.empty_like(sent) for _ in range(here.size)] if here.leader else None
    _call(dist.gather, sent, answers)
    return rows if answers is None else torch.stack(answers, 1).flatten(0, 1)[:count]


def together(rows: Tensor) -> Tensor:
    """Put the rows of all ranks one behind the other, on all ranks: (n of the rank, ...) -> (sum of n, ...)."""
    if world().size == 1:
        return rows
    counts = gathered(torch.tensor(len(rows))).tolist()
    sent = rows.new_zeros(max(counts), *rows.shape[1:])
    sent[: len(rows)] = rows
    return torch.cat([part[:count] for part, count in zip(gathered(sent), counts, strict=True)])


def of_ranks(state: Tensor) -> Tensor:
    """Return a tensor of each rank, (N, ...)."""
    return state.unsqueeze(0) if world().size == 1 else gathered(state)


def from_leader(value: T) -> T:
    """Return rank 0's value of anything that pickles."""
    if world().size == 1:
        return value
    box = [value]
    _call(dist.broadcast_object_list, box, device=torch.device("cpu"))
    return box[0]


@torch.no_grad()
def make_same(*networks: nn.Module | None) -> None:
    """Give all ranks the parameters and buffers that rank 0 has."""
    if world().size > 1:
        for network in networks:
            for tensor in () if network is None else (*network.parameters(), *network.buffers()):
                rooted = tensor.detach().contiguous()
                _call(dist.broadcast, rooted, 0)
                tensor.copy_(rooted)


def seed_of_rank(state: Tensor) -> int:
    """Make a seed of a random stream's state and this rank: another one on each."""
    code = hashlib.sha256(state.cpu().numpy().tobytes() + str(world().rank).encode()).digest()
    return int.from_bytes(code[:7], "little")


def stream_beside(rng: torch.Generator) -> torch.Generator:
    """Return this rank's own stream beside one that all share, which stays where it is: anew from its place each time.

    There is nothing of it to keep in a checkpoint.
    """
    if world().size == 1:
        return rng
    return torch.Generator(rng.device).manual_seed(seed_of_rank(rng.get_state()))


def part_streams() -> None:
    """Give each rank but the first a stream of its own in place of torch's, for dropout; networks are made already."""
    if not world().leader:
        torch.manual_seed(seed_of_rank(torch.get_rng_state()))
