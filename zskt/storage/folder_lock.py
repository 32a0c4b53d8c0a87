"""The lock of a run folder: two processes never write one, on one machine or on several.

Two lines of defence. ``filelock`` takes ``flock`` on ``.lock``, which the kernel frees when its holder dies, however it
dies. Where ``flock`` reaches other machines (NFS from version 4 on, Lustre mounted with ``flock``, GPFS, CephFS) that
is all. Where it does not (AFS, Lustre with ``localflock``, some FUSE mounts), ``.lock.json`` names host and process.
Its holder touches it every `HEARTBEAT_SECONDS`; another machine takes it over when it was left alone `STALE_SECONDS`.
Two machines that begin in the same instant are told apart by ``flock`` alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from zskt.errors import FolderInUse, UserError
from zskt.storage.files import write_json
from zskt.storage.run_files import LOCK, LOCK_OWNER, require_new

HEARTBEAT_SECONDS, STALE_SECONDS = 15.0, 90.0


class FolderLock:
    """Holds a folder while entered.

    Args:
        folder: must be there.

    Raises:
        FolderInUse: on entering, if another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = FileLock(str(folder / LOCK), timeout=0, thread_local=False)
        self._left = threading.Event()

    def __enter__(self) -> FolderLock:
        try:
            self._lock.acquire()
        except Timeout:
            raise _in_use(self.folder, owner(self.folder)) from None
        try:
            self._require_left_alone()
            write_json(self.folder / LOCK_OWNER, {"host": socket.gethostname(), "pid": os.getpid()})
        except BaseException:
            self._lock.release()
            raise
        self._left.clear()
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        (self.folder / LOCK_OWNER).unlink(missing_ok=True)
        self._lock.release()

    def require_free(self) -> None:
        """Raise `FolderInUse` if another process holds the folder; nothing there changes."""
        try:
            with self._lock:
                self._require_left_alone()
        except Timeout:
            raise _in_use(self.folder, owner(self.folder)) from None

    def _require_left_alone(self) -> None:
        """Raise `FolderInUse` if a process of another machine was at work here a moment ago."""
        before = owner(self.folder)
        if before.get("host") in (None, socket.gethostname()):
            return  # on this machine, flock has said that it is gone
        os.utime(self.folder / LOCK)  # the clock of the file system, which may not be this machine's
        try:
            age = (self.folder / LOCK).stat().st_mtime - (self.folder / LOCK_OWNER).stat().st_mtime
        except FileNotFoundError:
            return
        if age < STALE_SECONDS:
            raise _in_use(self.folder, before)

    def _beat(self) -> None:
        while not self._left.wait(HEARTBEAT_SECONDS):
            try:
                os.utime(self.folder / LOCK_OWNER)
            except OSError:  # the folder is gone, or its server: the run itself will say so
                return


def require_new_or_free(path: Path) -> None:
    """Raise `UserError` if a run cannot begin in a folder; `FolderInUse` where that is of a process at work there."""
    try:
        require_new(path)
    except UserError:
        if (path / LOCK).is_file():
            FolderLock(path).require_free()
        raise


@contextlib.contextmanager
def filling(path: Path) -> Iterator[Path]:
    """Yield a hidden folder beside, to be filled; then it becomes ``path``, which is new or empty.

    What a process that was killed has left of it goes first; after an error nothing stays.

    Raises:
        FolderInUse: if another process fills it.
    """
    name = re.sub(r"[^\w.-]+", "-", path.name, flags=re.ASCII)  # names are bytes, which not every library takes
    temporary = path.with_name(f".{name}.tmp")
    temporary.mkdir(parents=True, exist_ok=True)
    with FolderLock(temporary):
        try:
            for left in temporary.iterdir():
                if left.is_dir():
                    shutil.rmtree(left)
                elif left.name not in (LOCK, LOCK_OWNER):
                    left.unlink()
            yield temporary
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    (temporary / LOCK).unlink(missing_ok=True)
    if path.is_dir():
        path.rmdir()
    temporary.replace(path)


def owner(folder: Path) -> dict[str, Any]:
    """Return "host" and "pid" of the process that holds a folder, or held it and died; nothing if none did."""
    try:
        value = json.loads((folder / LOCK_OWNER).read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _in_use(folder: Path, holder: dict[str, Any]) -> FolderInUse:
    who = f"process {holder['pid']} on {holder['host']}" if {"host", "pid"} <= set(holder) else "another process"
    return FolderInUse(f"{folder}: {who} is at work there; wait for it, or name another --out")
