"""Loggers that need a package of their own, offline, and what is told where it is missing."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from tests.conftest import Call
from zskt.errors import UserError
from zskt.experiments.loggers import open_loggers, require_loggers
from zskt.experiments.loggers.logger import RunDescription

RESULT = {"student": {"agreement": 0.75}, "teacher": {"accuracy": 0.5}}


def test_a_logger_without_its_package_is_told_at_once(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *a: None if name == "wandb" else find(name, *a))
    code, out, err = call("--mode", "zero-shot", "--logger", "wandb", "--out", "run")
    assert code == 2 and not out and not Path("run").exists()
    assert err == (
        "zskt: --logger wandb: the package wandb is not installed: pip install -r requirements-loggers.txt\n"
    )
    with pytest.raises(UserError, match="unknown logger 'csw': did you mean csv"):
        require_loggers(["csw"])


def test_weights_and_biases_goes_on_with_its_run_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    folder = tmp_path / "run"
    folder.mkdir()
    (first,) = open_loggers(["wandb"], folder)
    first.begin(RunDescription("run", {"seed": 3, "terms": {}}))
    first.scalars(1, {"loss": 0.5})
    first.figure("pseudo-samples", Figure(figsize=(1, 1)), 1)
    run: Any = first.run  # type: ignore[attr-defined]
    assert run.config["seed"] == 3 and run.offline
    first.finish(RESULT, 1)
    (kept,) = folder.glob("wandb/offline-run-*/*.wandb")
    assert b"final/student agreement" in kept.read_bytes()
    number = json.loads((folder / "wandb.json").read_text())["id"]
    assert list(folder.glob("wandb/offline-run-*/files/media/images/pseudo-samples_*.png"))
    (again,) = open_loggers(["wandb"], folder, 1)
    assert again.run.id == number  # type: ignore[attr-defined]
    again.finish({}, 1)


def test_mlflow_goes_on_with_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    (first,) = open_loggers(["mlflow"], tmp_path)
    first.begin(RunDescription("run", {"seed": 3, "terms": {"a": 1.0}}))
    for step in (1, 2):
        first.scalars(step, {"teacher_class/a+b": 0.5 * step})
    first.figure("pseudo-samples", Figure(figsize=(1, 1)), 2)
    number = json.loads((tmp_path / "mlflow.json").read_text())["run_id"]
    (again,) = open_loggers(["mlflow"], tmp_path, 2)
    again.finish(RESULT, 2)
    assert list(tmp_path.glob(f"mlruns/*/{number}/artifacts/pseudo-samples/0000002.png"))
    run = MlflowClient().get_run(number)
    assert run.info.status == "FINISHED" and run.info.run_name == tmp_path.name
    assert run.data.params == {"seed": "3", "terms": "a=1.0"}
    assert run.data.metrics["teacher_class/a_b"] == 1.0 and run.data.metrics["final/student agreement"] == 0.75


def test_a_server_that_is_not_there_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError, match=r"--logger mlflow: .*; say where the server is: MLFLOW_TRACKING_URI=") as told:
        open_loggers(["mlflow"], tmp_path)
    assert "\n" not in str(told.value) and not (tmp_path / "mlflow.json").exists()
