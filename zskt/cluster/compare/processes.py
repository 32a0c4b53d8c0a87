"""One run after another, each a process of its own: what one of them does wrong ends no other."""

from __future__ import annotations

import contextlib
import math
import os
import resource
import signal
import subprocess
import time
from dataclasses import dataclass

from zskt.cluster.jobs import ATTEMPTS, IN_USE, Job, child_of, died, interrupt
from zskt.errors import FolderInUse

STANDSTILL = 10.0
"""A process whose work is bounded is ended after this multiple of the bound in any case: it may stand still."""
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
        seconds: of wall-clock time and of processor time after which the process is ended, and the run has failed.

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
    with child_of(job, {"PYTHONPATH": job.path, "ZSKT_PARENT": str(os.getpid())}) as child:
        try:
            if not _ends_in_time(child.process, seconds):
                return None, ""
        finally:
            if child.process.poll() is None:
                interrupt(child.process)
    said, ours = child.said()
    return child.process.returncode, (ours or said or [""])[-1]


def _ends_in_time(child: subprocess.Popen[bytes], seconds: float | None) -> bool:
    """Wait for a process, or end it: after so much time by the clock and, on a busy machine, so much work."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(seconds)
        return True
    assert seconds is not None
    if hasattr(resource, "prlimit"):  # Linux: the kernel ends it when its processor time is used up
        most = math.ceil(seconds)
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            resource.prlimit(child.pid, resource.RLIMIT_CORE, (0, 0))
            _, hard = resource.prlimit(child.pid, resource.RLIMIT_CPU)  # beyond it comes SIGKILL, as for lack of memory
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.prlimit(child.pid, resource.RLIMIT_CPU, (most, hard))
            child.wait((STANDSTILL - 1) * seconds)
        if child.poll() not in (None, -signal.SIGXCPU):
            return True
    child.kill()
    child.wait()
    return False
