"""Runs in forked processes, killed where a test says; ``python killed_runs.py FOLDER`` reads requests from its input.

The parent computes nothing, and imports what its first child has imported, so that a child begins in a moment: torch
imports much of itself in its first steps. A request is a line of JSON: "arguments" of the command line, and where the
child is killed. "touch": before it touches a file of the folder so, such as "os.rename result.tmp", for the n-th
time: [touch, n]. "write": at the n-th piece that is written of a checkpoint, which is half written then. "seconds":
after a time. "full": no file whose name begins so can be opened, as on a full disk; "limit": no file may have more
bytes. The answer is a line with its exit code, negative for a signal, what it said, the touches, and the modules that
it had imported.
"""

from __future__ import annotations

import errno
import importlib
import io
import json
import os
import resource
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

TOUCHES = ("open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.utime")
"""Audit events by which files are made, changed and removed; opening for reading is among them."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Touches:
    """Counts what a process does to the files of a folder, and dies at one of it.

    Args:
        last: the touch at which it dies, and the how manieth of its kind.
        full: how the name of a file begins that cannot be opened.
    """

    def __init__(self, folder: str, last: list[Any] | None = None, full: str | None = None) -> None:
        self.folder, self.last, self.full = folder, last, full
        self.seen: list[str] = []
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: Any) -> None:
        if event not in TOUCHES:
            return
        arguments = [os.fsdecode(a) for a in arguments if isinstance(a, str | bytes | Path)]
        if not any(self.folder in path for path in arguments):
            return
        if self.full is not None and event == "open" and Path(arguments[0]).name.startswith(self.full):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if threading.current_thread() is not threading.main_thread():
            return  # the heartbeat of the lock, and TensorBoard's thread, come when they like
        place = Path(arguments[0])
        touch = f"{event} {'the run' if place.parent == Path(self.folder) else place.name}"
        if self.last == [touch, self.seen.count(touch)]:
            die()
        self.seen.append(touch)


def die_in_checkpoint(piece: int) -> None:
    """Die when a checkpoint's n-th piece is half written."""
    from zskt.storage import checkpoint_file

    written = 0

    def write(self: Any, data: bytes) -> int:
        nonlocal written
        if written == piece:
            self.file.write(bytes(data)[: len(data) // 2])
            self.file.flush()
            die()
        written += 1
        return before(self, data)

    before = checkpoint_file._Digested.write
    checkpoint_file._Digested.write = write  # type: ignore[method-assign]


def child(request: dict[str, Any], folder: str, told: int) -> None:
    """Run the command line, and leave by `os._exit`."""
    from zskt.__main__ import main

    sys.stdout = sys.stderr = io.StringIO()
    touches = Touches(folder, request.get("touch"), request.get("full"))
    if "limit" in request:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["limit"], resource.RLIM_INFINITY))
    if "write" in request:
        die_in_checkpoint(request["write"])
    code = main(request["arguments"])
    said = sys.stderr.getvalue()
    reply = {"touches": touches.seen, "said": said[-600:]}
    if "seconds" not in request:  # more than a pipe holds at once, so that a kill could leave half of it
        reply["modules"] = sorted(sys.modules)
    with os.fdopen(told, "wb") as pipe:
        pipe.write(json.dumps(reply).encode())
    os._exit(code)


def answer(request: dict[str, Any], folder: str) -> dict[str, Any]:
    """Fork a child for a request, and wait for its end."""
    inlet, outlet = os.pipe()
    begun = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(inlet)
        child(request, folder, outlet)
    os.close(outlet)
    if "seconds" in request:
        time.sleep(request["seconds"])
        os.kill(pid, signal.SIGKILL)
    with os.fdopen(inlet, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    reply = json.loads(said) if said else {"touches": [], "said": ""}
    for name in reply.pop("modules", ()):
        with suppress(Exception):  # some are no module that can be imported by itself
            importlib.import_module(name)
    return reply | {"code": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - begun}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

    import zskt.__main__
    import zskt.cli.commands
    import zskt.experiments.launch

    zskt.__main__.catalog()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), sys.argv[1])), flush=True)
