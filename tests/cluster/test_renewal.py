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
        with renewed(cluster):
            job = next(iter(cluster.workers.values()))
            process = psutil.Process(int(job.job_id))
            for victim in [*process.children(recursive=True), process]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    victim.kill()
            deadline = time.monotonic() + 120
            while len(workers(cluster)) == 2 * processes and time.monotonic() < deadline:
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
    renewal = Renewal(cluster)
    assert renewal.look() == [] and forgotten == []
    info["workers"].clear()
    assert renewal.look() == ["a"] == forgotten
    assert renewal.look() == [], "it waits in the queue again"
