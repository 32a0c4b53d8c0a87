"""One run after another, each a process of its own: what one of them does wrong ends no other."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass

from zskt.cluster.jobs import ATTEMPTS, IN_USE, SAVING_SECONDS, Job, died
from zskt.errors import FolderInUse

BREATH = 1.0
"""Seconds until a folder is tried again in which a child of an earlier call still saves."""


@dataclass(frozen=True)
class Failure:
    """Why a run left no result."""

    reason: str
    """In one line."""
    refused: bool
    """Whether the method said so before it began; otherwise the run broke off."""


def run(job: Job, seconds: float | None = None) -> Failure | None:
    """Work on a run until its result is there; None, or why it is not.

    Args:
        seconds: wall-clock time after which the process is ended, and the run has failed.

    Raises:
        KeyboardInterrupt: after the run has saved.
    """
    idle = 0
    while not job.is_done():
        before = job.saved()
        try:
            code, last = _child(job, seconds)
        except FolderInUse as error:
            code, last = IN_USE, str(error)
        if job.is_done():
            break
        if code is None:
            return Failure(f"{job.progress()} iterations took more than {seconds:.0f} seconds", True)
        if code == IN_USE:
            time.sleep(BREATH)
        elif code in (0, 1, 2):
            return Failure(last or f"ended with exit code {code} and said nothing, see {job.log}", code == 2)
        else:
            idle = 0 if job.saved() > before else idle + 1
            if idle == ATTEMPTS:
                where = f"at iteration {job.progress()} (out of memory?), see {job.log}"
                return Failure(f"{died(code)} {idle} times {where}", False)
    return None


def _child(job: Job, seconds: float | None) -> tuple[int | None, str]:
    """Run the process to its end: exit code, and the last line that it wrote of itself; None if it took too long."""
    command = job.command()
    job.log.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"PYTHONPATH": job.path, "ZSKT_PARENT": str(os.getpid())}
    with job.log.open("ab") as log:
        start = log.seek(0, os.SEEK_END)
        child = subprocess.Popen(
            command,
            cwd=job.cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is ours to hear
        )
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            return None, ""
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(SAVING_SECONDS)
                child.kill()
                child.wait()
    with job.log.open("rb") as log:
        log.seek(start)
        said = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    ours = [line.removeprefix("zskt: ") for line in said if line.startswith("zskt: ")]
    return child.returncode, (ours or said or [""])[-1]
