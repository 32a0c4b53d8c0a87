"""Dask clusters by name: this machine, a batch system, or a scheduler that somebody has started.

dask: M. Rocklin, "Dask: parallel computation with blocked algorithms and task scheduling", SciPy 2015. Batch systems
are served by dask-jobqueue.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from zskt.cluster.renewal import renewed
from zskt.cluster.site import Site
from zskt.errors import UserError

ROOT = Path(__file__).parents[2]
"""Where the packages lie, which workers and runs must find."""
SLOT = "run"
"""Resource of a worker, of which it has one: it works on one run at a time, whatever its threads."""
BATCH_SYSTEMS = ("slurm", "htcondor", "pbs", "sge")
ALLOWED_DEATHS = 20
"""Workers that may die under a run before it is given up."""
STARTS = 3
"""Times that workers of this machine are started before that is given up."""
PATIENCE = 120
"""Seconds for which a batch system's workers look for a scheduler."""


def require_dask(kind: str) -> None:
    """Raise `UserError` if there is no such cluster, or Dask is not installed."""
    if kind not in ("local", *BATCH_SYSTEMS) and not kind.startswith("tcp://"):
        raise UserError(f"--cluster {kind}: choose one of local, {', '.join(BATCH_SYSTEMS)}, or tcp://HOST:PORT")
    try:
        import distributed  # noqa: F401

        if kind in BATCH_SYSTEMS:
            import dask_jobqueue  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"--cluster {kind}: needs {error.name}; install it: pip install -r requirements-cluster.txt"
        ) from error


@contextlib.contextmanager
def connect(kind: str, site: Site, workers: int, logs: Path, patience: int = 30) -> Iterator[Any]:
    """Start a cluster, or find the one that runs, and yield a `distributed.Client`; the cluster ends with it.

    Args:
        workers: tasks at a time.
        logs: folder of the batch system's logs, which is made.
        patience: seconds in which a scheduler must answer.

    Raises:
        UserError: if there is none of this kind, or nobody answers.
    """
    require_dask(kind)
    import dask
    from distributed import Client

    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # of workers that come and go the table tells
    settings = {
        "distributed.scheduler.allowed-failures": ALLOWED_DEATHS,
        "distributed.deploy.lost-worker-timeout": "1 day",  # `renewed` looks after those
    }
    with dask.config.set(settings):
        if kind.startswith("tcp://"):
            try:
                client = Client(kind, timeout=patience)
            except (OSError, ValueError) as error:
                raise UserError(
                    f"--cluster {kind}: no Dask scheduler answers ({type(error).__name__}); start one there"
                ) from error
            with client:
                yield client
            return
        cluster = _begun(workers) if kind == "local" else batch_cluster(kind, site, logs)
        try:
            with Client(cluster) as client:
                if kind != "local":
                    cluster.scale(jobs=-(-workers // site.processes))
                with renewed(cluster, queues=kind != "local"):
                    yield client
        finally:
            with contextlib.suppress(Exception):  # jobs that have ended cannot be cancelled
                cluster.close()


def _begun(workers: int) -> Any:
    """Start workers on this machine, again where one is killed before it has begun.

    Raises:
        UserError: if they do not start.
    """
    for _ in range(STARTS):
        try:
            return _local(workers)
        except Exception as error:  # of Dask, and of the operating system, by whatever a process died of
            last = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    raise UserError(f"--cluster local: {workers} workers do not start ({last}); ask for fewer --workers")


def _local(workers: int) -> Any:
    from distributed import LocalCluster

    # The runs are processes of their own: a worker holds nothing, so that its memory needs no limit.
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        memory_limit=0,
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
        resources={SLOT: 1},
    )


def batch_cluster(kind: str, site: Site, logs: Path) -> Any:
    """Make the cluster of a batch system; ``job_script()`` of it is what would be submitted."""
    import dask_jobqueue

    logs.mkdir(parents=True, exist_ok=True)
    worker = ["--resources", f"{SLOT}=1", "--no-dashboard"]
    if site.lifetime is not None:
        worker += ["--lifetime", f"{site.lifetime}s"]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    options: dict[str, Any] = {
        "cores": site.cores,
        "processes": site.processes,
        "memory": site.memory,
        "python": site.python or sys.executable,
        "job_name": "zskt",
        "death_timeout": PATIENCE,
        "worker_extra_args": worker,
        "job_script_prologue": [f"export PYTHONPATH={path}", *site.prologue],
        "log_directory": str(logs),
        "interface": site.interface or None,
        "scheduler_options": {"dashboard": False, "dashboard_address": ":0"}
        | ({"interface": site.interface} if site.interface else {}),
    }
    make: dict[str, Callable[[], Any]] = {
        "slurm": lambda: dask_jobqueue.SLURMCluster(**options, **_slurm(site)),
        "htcondor": lambda: dask_jobqueue.HTCondorCluster(**options, **_htcondor(site)),
        "pbs": lambda: dask_jobqueue.PBSCluster(**options, **_pbs(site)),
        "sge": lambda: dask_jobqueue.SGECluster(**options, **_sge(site)),
    }
    return make[kind]()


def _slurm(site: Site) -> dict[str, Any]:
    gpus = [f"--gres=gpu:{site.gpus}"] if site.gpus else []
    walltime = site.time or None
    return {
        "queue": site.queue or None,
        "account": site.account or None,
        "walltime": walltime,
        "job_extra_directives": [*gpus, *site.directives],
    }


def _htcondor(site: Site) -> dict[str, Any]:
    extra = dict(_named(line) for line in site.directives)
    if site.gpus:
        extra.setdefault("request_gpus", str(site.gpus))
    if site.seconds is not None:
        extra.setdefault("+MaxRuntime", str(site.seconds))  # as CERN's pool reads it
    if site.queue:
        extra.setdefault("+JobFlavour", f'"{site.queue}"')
    if site.account:
        extra.setdefault("accounting_group", site.account)
    return {"disk": site.disk, "job_extra_directives": extra}


def _named(line: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals:
        raise UserError(f"--site: directive {line!r} of HTCondor must be written as NAME = VALUE")
    return name.strip(), value.strip()


def _pbs(site: Site) -> dict[str, Any]:
    memory = site.memory.replace(" ", "").replace("iB", "B").lower()
    gpus = f":ngpus={site.gpus}" if site.gpus else ""
    return {
        "queue": site.queue or None,
        "account": site.account or None,
        "walltime": site.time or None,
        "resource_spec": f"select=1:ncpus={site.cores}:mem={memory}{gpus}",
        "job_extra_directives": list(site.directives),
    }


def _sge(site: Site) -> dict[str, Any]:
    gpus = [f"-l gpu={site.gpus}"] if site.gpus else []
    return {
        "queue": site.queue or None,
        "project": site.account or None,
        "walltime": site.time or None,
        "job_extra_directives": [*gpus, *site.directives],
    }
