"""One run on several processes, a GPU each, that torchrun started: together they take the steps that one would take.

Row i of a batch, and of all that is kept, belongs to rank i mod N. A loss is the mean over a rank's own rows; what no
mean over rows makes up, such as the statistics of a batch, is reduced over the ranks by functions with a gradient, and
the gradient by the parameters is averaged before it is clipped (`zskt.optim.step`). That is what
`torch.nn.parallel.DistributedDataParallel` does, whose hooks expect each forward pass of a network to end in one
backward pass of all its parameters: here the generator's gradient passes through the student, whose own is left out.

With one process every function returns what it is given.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from zskt.errors import RankLost, UserError
from zskt.parallel.collectives import any_of, gathered, summed
from zskt.parallel.heartbeat import Heartbeat
from zskt.parallel.ranks import World, announced, join, leave, world
from zskt.parallel.sync_batch_norm import SynchronisedBatchNorm

c10d: Any = dist  # whose stores have no declared types

JOIN, WAIT = timedelta(seconds=60), timedelta(hours=2)
"""How long ranks wait for each other to begin, and then for a result: who is dead, the heartbeat tells."""


def placed(device: torch.device) -> torch.device:
    """Return this process's own device: of several on a machine, each has the GPU of its number.

    Raises:
        UserError: if there are more processes than GPUs.
    """
    here = announced()
    if here.size == 1 or device.type != "cuda" or device.index is not None:
        return device
    count = torch.cuda.device_count()
    if here.local_rank >= count:
        raise UserError(f"--device cuda: this machine has {count} GPUs; start torchrun --nproc-per-node {count}")
    torch.cuda.set_device(here.local_rank)
    return torch.device("cuda", here.local_rank)


@contextlib.contextmanager
def group(device: torch.device, advice: str = "") -> Iterator[None]:
    """Join the processes that torchrun started for a run; one process alone goes on as ever.

    Args:
        device: where this process computes: GPUs talk by NCCL, all else by Gloo.
        advice: what to do when another process dies, the end of a line.

    Raises:
        RankLost: if another process does not come, or ends before the run does.
    """
    here = announced()
    if here.size == 1 or world().size > 1:
        yield
        return
    store = _begin(here, device)
    try:
        with contextlib.ExitStack() as stack:
            if store is not None:
                stack.enter_context(Heartbeat(_connection(), here, advice))
            stack.enter_context(SynchronisedBatchNorm(gathered, summed))
            yield
    except BaseException:
        leave(in_order=False)
        raise
    leave()
    if store is not None:
        dist.destroy_process_group()


def _begin(here: World, device: torch.device) -> Any:
    """Start the process group; the store that its ranks share, or None where the user's code has started it."""
    if dist.is_initialized():
        join(here, lambda: None)
        return None
    try:
        store = next(c10d.rendezvous("env://", timeout=JOIN))[0]
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(
            backend, store=c10d.PrefixStore("group", store), rank=here.rank, world_size=here.size, timeout=WAIT
        )
    except RuntimeError as error:
        raise RankLost(f"not all {here.size} processes of the run came ({_first_line(error)})") from error
    told = _connection()

    def is_first() -> bool | None:
        try:
            return bool(told.add("told", 1) == 1)
        except RuntimeError:  # without torchrun the store goes with rank 0
            return None

    join(here, is_first)
    return store


def _connection() -> Any:
    """Connect once more to the store that the ranks share: a thread that waits for one's answer would block others."""
    place = os.environ
    server = c10d.TCPStore(place["MASTER_ADDR"], int(place["MASTER_PORT"]), is_master=False, timeout=JOIN)
    return c10d.PrefixStore(f"zskt/{place.get('TORCHELASTIC_RESTART_COUNT', 0)}", server)


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__


@contextlib.contextmanager
def in_turn() -> Iterator[None]:
    """Let the first rank of a machine go before its others: what it fetches they find there."""
    here = world()
    if here.size == 1:
        yield
        return
    if here.local_rank:
        any_of(False)
    yield
    if not here.local_rank:
        any_of(False)
