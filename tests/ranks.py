"""Several processes of one run on this machine, as torchrun starts them, for tests."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import socket
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from zskt.parallel.distributed import group

TIMEOUT = 120.0


def in_ranks(function: Callable[..., Any], *arguments: Any, size: int = 2, joined: bool = True) -> list[Any]:
    """What a function of a module returns on each of ``size`` ranks; an exception of any is one here.

    Args:
        joined: if False, the function joins them itself.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.methods.setups"])  # what takes seconds to import
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pipes, processes = [], []
    for rank in range(size):
        here, there = context.Pipe(duplex=False)
        process = context.Process(
            target=_one, args=(there, (rank, size, port, joined), function, arguments), daemon=True
        )
        process.start()
        there.close()
        pipes.append(here)
        processes.append(process)
    answers = []
    for rank, pipe in enumerate(pipes):
        assert pipe.poll(TIMEOUT), f"rank {rank} does not answer"
        answers.append(pickle.loads(pipe.recv()))
    for process in processes:
        process.join(TIMEOUT)
    for rank, (ok, answer) in enumerate(answers):
        assert ok, f"rank {rank}: {answer}"
    return [answer for _, answer in answers]


def _one(
    pipe: Any, place: tuple[int, int, int, bool], function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    rank, size, port, joined = place
    os.environ |= {"RANK": f"{rank}", "LOCAL_RANK": f"{rank}", "WORLD_SIZE": f"{size}"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": f"{port}"}
    torch.set_num_threads(1)
    try:
        with group(torch.device("cpu")) if joined else nullcontext():
            answer = function(*arguments)
        pipe.send(pickle.dumps((True, answer)))  # tensors by value: this process will be gone
    except BaseException:
        pipe.send(pickle.dumps((False, traceback.format_exc())))


def environment(rank: int, size: int, port: int) -> dict[str, str]:
    """What torchrun says to a process."""
    return os.environ | {
        "RANK": f"{rank}",
        "LOCAL_RANK": f"{rank}",
        "WORLD_SIZE": f"{size}",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": f"{port}",
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
