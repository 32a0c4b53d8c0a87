"""The paper's whole set of runs on 1 to 1 000 GPUs: hours of each row, and when the last run ends, by simulation.

Costs are what one H100 measured, ``runs/reference/benchmarks/h100.json``. Pairs that were not measured are
extrapolated: an iteration with another student costs ten of its training steps more, or less, than with WRN-16-1; with
another teacher it costs as much as with the measured teacher of the same depth. Waiting for a machine and reading data
is `START_MINUTES` a run.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.bench import Bench
from benchmarks.runner import ROOT

if TYPE_CHECKING:
    from zskt.results.paper_runs import PlannedRun

MEASURED = ROOT / "runs" / "reference" / "benchmarks" / "h100.json"
GPUS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
START_MINUTES = 1.0
SMALLEST = "wrn-16-1"
SMALLEST_STEP_MS = 2.3
"""A training step of WRN-16-1: what its ten steps leave of a measured iteration, shared among them."""
DATA = ("cifar10", "svhn")
MS = 1.0 / 3_600_000
"""Hours."""


@dataclass(frozen=True)
class Job:
    """A run as the queue sees it."""

    name: str
    row: str
    hours: float
    measured: bool
    after: str = ""
    """The run whose student or teacher it needs."""


def jobs() -> list[Job]:
    """List all runs of the paper's tables on wide ResNets, three seeds, in the order of the campaign."""
    from zskt.__main__ import catalog
    from zskt.results.paper_runs import planned_runs

    entries, costs = catalog(), json.loads(MEASURED.read_text())
    return [_job(run, costs) for data in DATA for run in planned_runs(data, entries)]


def _job(run: PlannedRun, costs: dict[str, Any]) -> Job:
    config, settings = run.config, run.config.settings
    data, _, teacher = config.teacher.partition("-")
    if config.mode == "zero-shot":
        ms, measured = _iteration(data, teacher, config, costs)
        hours, after = settings.iterations * ms * MS, f"teacher-{config.teacher}-seed0"
        row = f"{data}, {teacher} to {config.student}, {'paper' if config.preset.endswith('-paper') else 'zskt'}"
    else:
        student = teacher if config.mode == "teacher" else config.student
        step, measured = _step(student, costs)
        if config.mode != "teacher" and settings.has_teacher:
            step, measured = step + _step(teacher, costs)[0] / 3, False  # a third of its step is its forward pass
        steps = settings.epochs * (settings.student_steps or 50_000 // settings.batch_size)
        hours, row = steps * step * MS, f"{data}, {teacher} to {student}, from images"
        after = run.init_from or ("" if config.mode == "teacher" else f"teacher-{config.teacher}-seed0")
        row = f"{data}, teachers" if config.mode == "teacher" else row
    return Job(run.name, row, hours + START_MINUTES / 60, measured, after)


def _iteration(data: str, teacher: str, config: Any, costs: dict[str, Any]) -> tuple[float, bool]:
    """Return the milliseconds of an iteration, and whether they were measured."""
    recipe = "-paper" if config.preset.endswith("-paper") else ""
    table = costs["ms_an_iteration"]
    like = "wrn-16-2" if "-16-" in teacher else "wrn-40-2"
    ms: float = table[f"cifar10-{like}-to-{SMALLEST}{recipe}"]["replayed"]
    same = (data, teacher, config.student) == ("cifar10", like, SMALLEST)
    return ms + config.settings.student_steps * (_step(config.student, costs)[0] - SMALLEST_STEP_MS), same


def _step(network: str, costs: dict[str, Any]) -> tuple[float, bool]:
    """Return the milliseconds of a training step, and whether they were measured."""
    if network == SMALLEST:
        return SMALLEST_STEP_MS, False
    return costs["ms_a_training_step"][f"cifar10-{network}"]["replayed"], True


def makespan(queue: Iterable[Job], gpus: int) -> float:
    """Return the hours until the last job ends, if each free GPU takes the first job whose predecessor has ended."""
    waiting = list(queue)
    ended: dict[str, float] = {}
    free = [0.0] * gpus
    heapq.heapify(free)
    while waiting:
        now = heapq.heappop(free)
        ready = next((job for job in waiting if not job.after or ended.get(job.after, now + 1) <= now), None)
        if ready is None:  # until the next of those that others wait for has ended
            heapq.heappush(free, min(end for end in ended.values() if end > now))
            continue
        waiting.remove(ready)
        ended[ready.name] = now + ready.hours
        heapq.heappush(free, now + ready.hours)
    return max(ended.values(), default=0.0)


def rows(queue: Sequence[Job]) -> dict[str, dict[str, Any]]:
    """Return runs and GPU hours of each row of the tables, and whether all of it is extrapolated."""
    found: dict[str, dict[str, Any]] = {}
    for job in queue:
        row = found.setdefault(job.row, {"runs": 0, "gpu_hours": 0.0, "extrapolated": False})
        row["runs"] += 1
        row["gpu_hours"] += job.hours
        row["extrapolated"] |= not job.measured
    return found


def measure(bench: Bench) -> dict[str, Any]:
    """Simulate the queue."""
    queue = jobs()
    total = sum(job.hours for job in queue)
    hours = {str(gpus): makespan(queue, gpus) for gpus in GPUS}
    return {
        "runs": len(queue),
        "gpu_hours": total,
        "rows": rows(queue),
        "hours_by_gpus": hours,
        "longest_chain_hours": makespan(queue, len(queue)),
        "ratios": {
            f"1 GPU / {gpus}": {"median": hours["1"] / h, "quartiles": [hours["1"] / h] * 2}
            for gpus, h in hours.items()
        },
        "targets": {},
    }
