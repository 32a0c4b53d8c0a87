"""What dask-jobqueue would submit for a site, and what is said of clusters that are not there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from zskt.cluster.engines import ROOT, batch_cluster, connect, require_dask
from zskt.cluster.site import Site, read_site
from zskt.errors import UserError

pytest.importorskip("dask_jobqueue")
PAGE = ROOT / "docs" / "how-to" / "cluster.md"
SITE = Site(
    processes=2,
    cores=8,
    memory="16 GB",
    time="04:00:00",
    queue="gpu",
    account="phys",
    gpus=2,
    python="/opt/python",
    prologue=("module load cuda",),
)


def script(kind: str, site: Site, folder: Path) -> str:
    with batch_cluster(kind, site, folder / "logs") as cluster:
        text: str = cluster.job_script()
    return text


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("slurm", ["#SBATCH -p gpu", "#SBATCH -A phys", "#SBATCH --cpus-per-task=8", "#SBATCH --mem=15G",
                   "#SBATCH -t 04:00:00", "#SBATCH --gres=gpu:2"]),
        ("htcondor", ["MY.DaskWorkerCores = 8", "MY.DaskWorkerMemory = 16000000000", "request_gpus = 2",
                      "+MaxRuntime = 14400", '+JobFlavour = "gpu"', "accounting_group = phys", "Queue"]),
        ("pbs", ["#PBS -q gpu", "#PBS -A phys", "#PBS -l select=1:ncpus=8:mem=16gb:ngpus=2",
                 "#PBS -l walltime=04:00:00"]),
        ("sge", ["#$ -q gpu", "#$ -P phys", "#$ -l h_rt=04:00:00", "#$ -l gpu=2"]),
    ],
)  # fmt: skip
def test_the_job_asks_for_what_the_site_says(kind: str, lines: list[str], tmp_path: Path) -> None:
    text = script(kind, SITE, tmp_path)
    assert [line for line in lines if line not in text.splitlines()] == []
    worker = next(line for line in text.splitlines() if "dask_worker" in line)
    assert "/opt/python -m distributed.cli.dask_worker tcp://" in worker
    for words in ("--nworkers 2", "--nthreads 4", "--resources run=1", "--lifetime 14100s"):
        assert words in worker
    assert f"export PYTHONPATH={ROOT}" in text
    assert text.index("module load cuda") < text.index("dask_worker")


def test_further_directives_are_handed_on(tmp_path: Path) -> None:
    assert "#SBATCH --constraint=a100" in script("slurm", Site(directives=("--constraint=a100",)), tmp_path)
    assert "requirements = (a == b)" in script("htcondor", Site(directives=("requirements = (a == b)",)), tmp_path)
    with pytest.raises(UserError, match="must be written as NAME = VALUE"):
        batch_cluster("htcondor", Site(directives=("--x",)), tmp_path)
    plain = script("slurm", Site(), tmp_path)
    assert "gres" not in plain and "--lifetime" not in plain


@pytest.mark.parametrize("kind", ["slurm", "htcondor"])
def test_the_site_files_of_the_page_work(kind: str, tmp_path: Path) -> None:
    blocks = re.findall(r'```toml title="(\w+)\.toml"\n(.*?)```', PAGE.read_text(), re.DOTALL)
    text = dict(blocks)[kind]
    path = tmp_path / "site.toml"
    path.write_text(text)
    site = read_site(path)
    made = script(kind, site, tmp_path)
    for directive in site.directives:
        assert directive in made
    assert subprocess.run(["bash", "-n"], input=made, text=True).returncode == 0 or kind == "htcondor"


def test_an_unknown_or_missing_cluster_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"--cluster lsf: choose one of local, slurm, htcondor, pbs, sge, or tcp://"):
        require_dask("lsf")
    with (
        pytest.raises(UserError, match=r"--cluster tcp://127.0.0.1:1: no Dask scheduler answers"),
        connect("tcp://127.0.0.1:1", Site(), 1, tmp_path, patience=1),
    ):
        raise AssertionError("connected")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"needs distributed; install it: pip install -r requirements-cluster.txt"):
        require_dask("local")
