"""When the last of some runs ends, on some GPUs."""

from __future__ import annotations

import pytest

from benchmarks.queue import Job, jobs, makespan, rows

TEACHER = Job("teacher", "teachers", 1.0, True)
STUDENTS = [Job(f"student{i}", "students", 2.0, False, after="teacher") for i in range(4)]


def test_runs_wait_for_the_run_that_they_need() -> None:
    queue = [TEACHER, *STUDENTS]
    assert makespan(queue, 1) == 9
    assert makespan(queue, 2) == 5  # the second GPU waits for the teacher
    assert makespan(queue, 4) == makespan(queue, 100) == 3
    assert makespan([*queue, Job("other", "others", 1.0, True)], 2) == 5  # which it spends otherwise
    assert makespan([], 3) == 0


def test_rows_add_up() -> None:
    assert rows([TEACHER, *STUDENTS]) == {
        "teachers": {"runs": 1, "gpu_hours": 1.0, "extrapolated": False},
        "students": {"runs": 4, "gpu_hours": 8.0, "extrapolated": True},
    }


def test_the_papers_runs_cost_what_was_measured() -> None:
    queue = {job.name: job for job in jobs()}
    job = queue["zero-shot-cifar10-wrn-40-2-to-wrn-16-1-paper-seed0"]
    assert job.measured and job.after == "teacher-cifar10-wrn-40-2-seed0"
    assert job.hours == pytest.approx(80_000 * 41.52 / 3.6e6 + 1 / 60)
    larger = queue["zero-shot-cifar10-wrn-40-2-to-wrn-40-1-paper-seed0"]
    assert not larger.measured and larger.hours > job.hours
    assert all(not job.after or job.after in queue for job in queue.values())
    alone = makespan(queue.values(), len(queue))
    assert max(job.hours for job in queue.values()) < alone < makespan(queue.values(), 10)
