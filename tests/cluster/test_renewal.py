"""Jobs that end are submitted again, tried on a batch system that is a shell on this machine."""

from __future__ import annotations

import contextlib
import time
from types import SimpleNamespace
from typing import Any

import pytest

from zskt.cluster.renewal import Renewal, renewed

distributed = pytest.importorskip("distributed")
local = pytest.importorskip("dask_jobqueue.local")
psutil = pytest.importorskip("psutil")


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("processes", [1, 2])
def test_a_job_that_is_killed_is_submitted_again(processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import dask

    monkeypatch.setattr("zskt.cluster.renewal.LOST_SECONDS", 3.0)
    scheduler = {"dashboard": False, "dashboard_address": ":0"}
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1 day"}),
        local.LocalCluster(cores=2, processes=processes, memory="1GB", scheduler_options=scheduler) as cluster,
        distributed.Client(cluster) as client,
    ):
        cluster.scale(jobs=2)
        client.wait_for_workers(2 * processes, timeout=120)
        with renewed(cluster, queues=True):
            job = next(iter(cluster.workers.values()))
            process = psutil.Process(int(job.job_id))
            for victim in [*process.children(recursive=True), process]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    victim.kill()
            deadline = time.monotonic() + 120
            while len(workers(cluster)) > processes and time.monotonic() < deadline:
                time.sleep(0.2)
            assert len(workers(cluster)) == processes
            while len(workers(cluster)) < 2 * processes and time.monotonic() < deadline:
                time.sleep(0.2)
            assert len(workers(cluster)) == 2 * processes


def workers(cluster: Any) -> list[str]:
    return [worker["name"] for worker in cluster.scheduler_info["workers"].values()]


def test_what_waits_in_a_queue_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zskt.cluster.renewal.LOST_SECONDS", -1.0)
    info: dict[str, Any] = {"workers": {"tcp://1": {"name": "a-0"}}}
    forgotten: list[Any] = []
    cluster = SimpleNamespace(
        scheduler_info=info, worker_spec={"a": {}, "queued": {}}, sync=lambda _, lost: forgotten.extend(lost)
    )
    renewal = Renewal(cluster, queues=True)
    assert renewal.look() == [] and forgotten == []
    info["workers"].clear()
    assert renewal.look() == ["a"] == forgotten
    assert renewal.look() == [], "it waits in the queue again"


def test_a_worker_that_dies_before_it_is_seen_is_started_again_where_there_is_no_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zskt.cluster.renewal.LOST_SECONDS", 20.0)
    clock = [0.0]
    monkeypatch.setattr("zskt.cluster.renewal.time", SimpleNamespace(monotonic=lambda: clock[0]))
    info: dict[str, Any] = {"workers": {"tcp://1": {"name": 0}}}
    cluster = SimpleNamespace(scheduler_info=info, worker_spec={0: {}, 1: {}}, sync=lambda _, lost: None)
    renewal = Renewal(cluster, queues=False)
    started = []
    for second in range(400):
        clock[0] = float(second)
        started += [(second, name) for name in renewal.look()]
    # Two looks a start: one that begins to wait, and one that has waited for 20, 40, 80 ... seconds.
    assert started == [(21, 1), (63, 1), (145, 1), (307, 1)]
    info["workers"]["tcp://2"] = {"name": 1}
    assert renewal.look() == []
    del info["workers"]["tcp://2"]
    for second in range(400, 423):
        clock[0] = float(second)
        started += [(second, name) for name in renewal.look()]
    assert started[-1] == (421, 1), "it has come back, and is waited for as at first"
