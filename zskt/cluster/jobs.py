"""What a Dask worker does: start a run as a child process, watch it, start it again from its checkpoint if it dies.

The run is a process of its own, so that its crash, or the kernel's end of a process without memory, does not take the
worker. A child that outlives its worker saves and stops by itself, see `zskt.experiments.interrupt`; until then it
holds the lock of its run folder, for which the run's next worker waits. Nothing here imports torch.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zskt.errors import FolderInUse
from zskt.experiments.interrupt import ended_by
from zskt.storage.folder_lock import FolderLock
from zskt.storage.run_files import (
    BEFORE_FIRST_CHECKPOINT,
    CONFIG,
    LOCK,
    LOCK_OWNER,
    METRICS,
    RESULT,
    has_checkpoint,
    is_unbegun,
)

TOPIC = "zskt"
"""Topic of the events by which workers say how far their runs are."""
POLL_SECONDS, TELL_SECONDS = 0.5, 2.0
ATTEMPTS = 3
"""Times that a child may be killed without getting further before its run has failed."""
SAVING_SECONDS = 120.0
"""Time for a child to save when its worker ends, before it is killed."""
IN_USE = 75
"""Exit code of the command line where another process is at work."""
SIGNALLED = 128
"""Exit codes above are those of a signal, which the command line has answered by saving; see `died`."""


@dataclass(kw_only=True)
class Job:
    """A run in a folder, as a command that can be repeated until its result is there."""

    name: str
    folder: Path
    """The run's."""
    arguments: tuple[str, ...]
    """Of the command line, without what makes it go on."""
    python: tuple[str, ...]
    """Command that stands for ``python train.py``."""
    path: str
    """PYTHONPATH of the child."""
    cwd: str
    log: Path
    """File to which the child's output is added."""
    threads: int = 1
    gpus: int = 0
    """GPUs among which the workers of a machine choose by their number; 0 leaves the choice to the batch system."""

    resumes: bool = False
    """Whether the last command went on from a checkpoint."""

    def is_done(self) -> bool:
        """Whether the result is there."""
        return (self.folder / RESULT).is_file()

    def was_overtaken(self) -> bool:
        """Whether the last child found a folder that was new when it was begun, and is not any more.

        A child that outlives its worker while it loads takes the lock a moment after its successor has looked.
        """
        return not self.resumes and (self.folder / CONFIG).is_file()

    def progress(self) -> int:
        """Return the last iteration that was logged."""
        return last_step(self.folder / METRICS)

    def saved(self) -> float:
        """Return what grows when work is saved: the time of the checkpoint."""
        try:
            return (self.folder / "checkpoint.pt").stat().st_mtime
        except OSError:
            return 0.0

    def command(self) -> list[str]:
        """Return the command that begins the run, or goes on with it.

        Raises:
            FolderInUse: if another process is at work in the folder.
        """
        command = [*self.python, *self.arguments, "--out", str(self.folder)]
        self.resumes = has_checkpoint(self.folder)
        if self.resumes:
            return [*command, "--resume"]
        if self.folder.is_dir():
            with FolderLock(self.folder):  # stopped before its first checkpoint: nothing is lost
                if is_unbegun(self.folder):
                    for name in BEFORE_FIRST_CHECKPOINT:
                        if name not in (LOCK, LOCK_OWNER):
                            (self.folder / name).unlink(missing_ok=True)
        return command


def last_step(path: Path) -> int:
    """Return the iteration of the last whole line of a ``metrics.jsonl``; 0 if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - 16_384, 0))
            lines = file.read().splitlines()
    except OSError:
        return 0
    for line in reversed(lines):
        try:
            return int(json.loads(line)["step"])
        except (ValueError, KeyError, TypeError):
            continue
    return 0


def work(job: Any) -> str:
    """Work on a job until its result is there; the task that Dask runs.

    Returns:
        empty, or why it has failed, in one line.

    Raises:
        distributed.Reschedule: if the worker ends; another one goes on.
    """
    from distributed import Reschedule, get_worker

    worker, idle = get_worker(), 0
    while not job.is_done():
        before = job.saved()
        try:
            code, last = _run_child(job, worker)
        except FolderInUse as error:
            code, last = IN_USE, str(error)
        if _ends(worker):
            raise Reschedule
        if code == IN_USE:  # a child that outlived its worker, and will stop
            time.sleep(2 * POLL_SECONDS)
        elif code == 2 and job.was_overtaken():
            idle += 1
            if idle == ATTEMPTS:
                return last
        elif code in (0, 1, 2):
            return "" if job.is_done() else last or f"ended with exit code {code} and said nothing, see {job.log}"
        else:
            idle = 0 if job.saved() > before else idle + 1
            if idle == ATTEMPTS:
                return f"{died(code)} {idle} times at iteration {job.progress()} (out of memory?), see {job.log}"
    return ""


def died(code: int) -> str:
    """Say how a child ended that did not end by itself."""
    if code > SIGNALLED and code - SIGNALLED in set(signal.Signals):
        return ended_by(code - SIGNALLED)
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


@dataclass(frozen=True)
class Child:
    """The process that works on a job, and where its lines begin in the job's log."""

    process: subprocess.Popen[bytes]
    log: Path
    start: int

    def said(self) -> tuple[list[str], list[str]]:
        """Return the lines that it has written, and those of them that zskt says by itself."""
        with self.log.open("rb") as log:
            log.seek(self.start)
            lines = log.read().decode(errors="replace").splitlines()
        said = [line.strip() for line in lines if line.strip()]
        return said, [line.removeprefix("zskt: ") for line in said if line.startswith("zskt: ")]


@contextlib.contextmanager
def child_of(job: Any, environment: Mapping[str, str]) -> Iterator[Child]:
    """Start a job's process, which writes to the job's log; in the end it is killed, if it is still there.

    Args:
        environment: what differs from this process's.
    """
    command = job.command()
    job.log.parent.mkdir(parents=True, exist_ok=True)
    with job.log.open("ab") as log:
        start = log.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            command,
            cwd=job.cwd,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is this process's to hear
        )
        try:
            yield Child(process, job.log, start)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Tell a child to end, and give it time to save."""
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(SAVING_SECONDS)


def _run_child(job: Any, worker: Any) -> tuple[int, str]:
    """Run the child to its end, however it ends: exit code, and the last line that it wrote."""
    with child_of(job, child_environment(job, str(worker.name))) as child:
        _watch(child.process, job, worker)
    said, ours = child.said()
    code = child.process.returncode
    return code, (ours or said or [""])[-1] if code == 2 else (said or [""])[-1]


def child_environment(job: Any, worker: str) -> dict[str, str]:
    """Return what differs in a child's environment: threads, where the code is, its parent, and its GPU."""
    values = {name: str(job.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    values |= {"PYTHONPATH": job.path, "ZSKT_PARENT": str(os.getpid())}
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    devices = [name for name in visible.split(",") if name] or [str(i) for i in range(job.gpus)]
    number = re.search(r"(\d+)$", worker)
    if job.gpus and devices:
        values["CUDA_VISIBLE_DEVICES"] = devices[int(number[1]) % len(devices) if number else 0]
    return values


def _watch(child: subprocess.Popen[bytes], job: Any, worker: Any) -> None:
    """Wait for a child, and say how far it is; interrupt it if the worker ends."""
    told, when = -1, 0.0
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(POLL_SECONDS)
            return
        if _ends(worker):
            interrupt(child)
            return
        progress = job.progress()
        if progress != told and time.monotonic() - when > TELL_SECONDS:
            worker.log_event(TOPIC, {"name": job.name, "done": progress, "at": str(worker.name)})
            told, when = progress, time.monotonic()


def _ends(worker: Any) -> bool:
    """Whether a worker is about to end: its job's time is over, or it was asked to."""
    return worker.status.name not in ("running", "paused", "init")
