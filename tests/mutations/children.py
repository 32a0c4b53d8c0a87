"""Read a damaged file in a child process with bounds of memory and time, and say how that ended.

A child is forked from a process that has imported everything, which takes milliseconds. What counts as a failure: any
exception that is no `UserError` ("traceback"), a signal ("crash"), more time than allowed ("hang"), and memory that
was asked for beyond the bound ("memory"), also where that became a message.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from zskt.errors import NonFiniteLoss, UserError

SECONDS = 20
MEMORY = 3 * 2**30
"""Bytes that a child may ask for beyond what its parent has."""
GOOD = ("read", "refused")


def outcome(read: Callable[[Path], object], path: Path, seconds: int = SECONDS) -> tuple[str, str]:
    """Return how reading a file ended, "read", "refused" or a failure, and what was said of it."""
    receive, send = os.pipe()
    child = os.fork()
    if not child:
        os.close(receive)
        _work(read, path, send)
    os.close(send)
    said, deadline, chunks = "", time.monotonic() + seconds, []
    os.set_blocking(receive, False)
    while True:
        with contextlib.suppress(BlockingIOError):
            chunks.append(os.read(receive, 65536))
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(receive)
            return "hang", f"{seconds} s"
        time.sleep(0.002)
    with contextlib.suppress(BlockingIOError):
        while chunk := os.read(receive, 65536):
            chunks.append(chunk)
    os.close(receive)
    said = b"".join(chunks).decode(errors="replace")
    if os.WIFSIGNALED(status):
        return "crash", f"signal {os.WTERMSIG(status)} {said}"
    kind, _, words = said.partition("\n")
    return (kind, words) if kind else ("crash", f"exit {status}")


def _work(read: Callable[[Path], object], path: Path, send: int) -> None:
    """Read in the child, and end it."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    sys.setrecursionlimit(1000)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    said = "read\n"
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            read(path)
    except (UserError, NonFiniteLoss) as error:
        kind = "memory" if _asked_too_much(error) else "refused"
        said = f"{kind}\n{error}"
    except BaseException as error:
        said = f"{'memory' if _asked_too_much(error) else 'traceback'}\n{traceback.format_exc()[-3000:]}"
    os.write(send, said.encode(errors="replace")[:60_000])
    os._exit(0)


def _asked_too_much(error: BaseException | None) -> bool:
    """Tell whether an error, or one behind it, is that memory could not be had."""
    while error is not None:
        words = str(error).lower()
        if isinstance(error, MemoryError) or "can't allocate" in words or "bad_alloc" in words or "malloc" in words:
            return True
        error = error.__cause__ or error.__context__
    return False
